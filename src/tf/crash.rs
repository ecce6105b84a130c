//! Panics: logged when they happen, with their location for the diagnostic.
//! The message of a panic may quote values, so it is repeated only where it is a fixed text of the program.

use std::cell::RefCell;

thread_local! {
    static LAST: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Makes panics log themselves as errors, in place of the text that the standard library prints.
pub fn install_hook() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        let message = panic.payload().downcast_ref::<&'static str>().copied().unwrap_or("(not shown)");
        tracing::error!(panic_location = place, panic_message = message, "the provider panicked");
        LAST.with_borrow_mut(|last| *last = place);
    }));
}

/// Where the last panic of this thread happened, once.
pub fn take_place() -> Option<String> {
    LAST.take()
}
