//! Disk selectors: expressions that select a disk. They are typed, and type-checked without a disk.
//! It knows the language and the fields of a disk, and no object.

use crate::access_policy;
use cel::common::ast::{CallExpr, ComprehensionExpr, EntryExpr, Expr, IdedExpr, LiteralValue, SelectExpr, operators};
use cel::objects::{Key, Map, Value};
use cel::{Context, Program};
use omni_proto::specs::machine_status_spec::hardware_status::BlockDevice;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

/// What a disk is called in the language.
const DISK: &str = "talos.resource.definitions.block.DiskSpec";

/// What a disk has.
const FIELDS: &[(&str, Type)] = &[
    ("dev_path", Type::Text),
    ("size", Type::Unsigned),
    ("pretty_size", Type::Text),
    ("io_size", Type::Unsigned),
    ("sector_size", Type::Unsigned),
    ("readonly", Type::Bool),
    ("cdrom", Type::Bool),
    ("rotational", Type::Bool),
    ("model", Type::Text),
    ("serial", Type::Text),
    ("modalias", Type::Text),
    ("wwid", Type::Text),
    ("uuid", Type::Text),
    ("bus_path", Type::Text),
    ("sub_system", Type::Text),
    ("transport", Type::Text),
    ("secondary_disks", Type::Texts),
    ("symlinks", Type::Texts),
];

/// Sizes that an expression may name: those of decimal and of binary units, from the first power on.
const SIZES: &[&str] = &["kB", "MB", "GB", "TB", "PB", "EB", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];

/// As many of them are decimal.
const DECIMAL: usize = 6;

/// The type of an expression.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Type {
    Bool,
    Signed,
    Unsigned,
    Double,
    Text,
    Bytes,
    Null,
    Texts,
    /// A list of anything.
    List,
    Map,
    Disk,
    /// What is not known, or was found wrong before; it goes with everything.
    Any,
}

impl Type {
    fn fits(self, other: Self) -> bool {
        let lists = [Self::List, Self::Texts];
        self == other
            || self == Self::Any
            || other == Self::Any
            || (lists.contains(&self) && lists.contains(&other) && (self == Self::List || other == Self::List))
    }

    /// What a list holds.
    fn element(self) -> Self {
        if self == Self::Texts { Self::Text } else { Self::Any }
    }
}

impl fmt::Display for Type {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Bool => "bool",
            Self::Signed => "int",
            Self::Unsigned => "uint",
            Self::Double => "double",
            Self::Text => "string",
            Self::Bytes => "bytes",
            Self::Null => "null",
            Self::Texts => "list(string)",
            Self::List => "list(dyn)",
            Self::Map => "map(dyn, dyn)",
            Self::Disk => DISK,
            Self::Any => "dyn",
        })
    }
}

/// Why an expression cannot choose a disk.
pub(super) fn problem(text: &str) -> Option<String> {
    let program = match Program::compile(text) {
        Ok(program) => program,
        Err(errors) => return Some(errors.to_string().replace("\n|", "\n |")),
    };
    let mut checker = Checker { found: Vec::new(), scope: Vec::new() };
    let type_of_all = checker.type_of(program.expression());
    if checker.found.is_empty() {
        return (!type_of_all.fits(Type::Bool))
            .then(|| format!("expression output type is {type_of_all}, expected bool"));
    }
    let at = |id| program.source_info().offset_for(id).map_or(0, |(start, _)| usize::try_from(start).unwrap_or(0));
    let told: Vec<_> = checker.found.iter().map(|(id, problem)| placed(text, at(*id), problem)).collect();
    Some(told.join("\n"))
}

/// The disks that an expression chooses.
///
/// # Errors
/// When it cannot be read, or says of a disk neither yes nor no.
pub fn matching<'a>(text: &str, disks: &'a [BlockDevice]) -> Result<Vec<&'a BlockDevice>, String> {
    if let Some(problem) = problem(text) {
        return Err(problem);
    }
    let program = Program::compile(text).map_err(|errors| errors.to_string())?;
    let mut found = Vec::new();
    for disk in disks {
        let fail = |problem: String| format!("error evaluating the selector against {:?}: {problem}", path(disk));
        match program.execute(&context(disk)?).map_err(|error| fail(error.to_string()))? {
            Value::Bool(true) => found.push(disk),
            Value::Bool(false) => {}
            other => return Err(fail(format!("expression output type is {:?}, expected bool", other.type_of()))),
        }
    }
    Ok(found)
}

fn path(disk: &BlockDevice) -> &str {
    if disk.dev_path.is_empty() { &disk.linux_name } else { &disk.dev_path }
}

/// What an expression can ask for.
fn context(disk: &BlockDevice) -> Result<Context<'static, 'static>, String> {
    let text = |text: &str| Value::from(text);
    let fields = [
        ("dev_path", text(path(disk))),
        ("size", Value::UInt(disk.size)),
        ("pretty_size", text(&disk.pretty_size)),
        ("io_size", Value::UInt(disk.io_size)),
        ("sector_size", Value::UInt(disk.sector_size)),
        ("readonly", Value::Bool(disk.readonly)),
        ("cdrom", Value::Bool(disk.cdrom)),
        ("rotational", Value::Bool(disk.rotational)),
        ("model", text(&disk.model)),
        ("serial", text(&disk.serial)),
        ("modalias", text(&disk.modalias)),
        ("wwid", text(&disk.wwid)),
        ("uuid", text(&disk.uuid)),
        ("bus_path", text(&disk.bus_path)),
        ("sub_system", text(&disk.sub_system)),
        ("transport", text(&disk.transport)),
        ("secondary_disks", Value::from(disk.secondary_disks.clone())),
        ("symlinks", Value::from(disk.symlinks.clone())),
    ];
    let key = |name: &str| Key::String(Arc::new(name.to_owned()));
    let fields: HashMap<Key, Value> = fields.into_iter().map(|(name, value)| (key(name), value)).collect();
    let mut context = Context::default();
    context.add_variable_from_value("disk", Value::Map(Map { map: Arc::new(fields) }));
    context.add_variable_from_value("system_disk", disk.system_disk);
    for (at, name) in SIZES.iter().enumerate() {
        let (base, power) = if at < DECIMAL { (1000_u64, at + 1) } else { (1024, at + 1 - DECIMAL) };
        let power = u32::try_from(power).unwrap_or_default();
        context.add_variable_from_value(*name, Value::UInt(base.saturating_pow(power)));
    }
    let glob = |pattern: Arc<String>, text: Arc<String>| {
        access_policy::pattern(&pattern).is_ok_and(|pattern| pattern.is_match(&text))
    };
    context.add_function("glob", glob).map_err(|error| error.to_string())?;
    Ok(context)
}

/// A problem with the place where it is, in letters from the start of the expression.
fn placed(text: &str, at: usize, problem: &str) -> String {
    let before: String = text.chars().take(at).collect();
    let row = before.matches('\n').count();
    let column = before.chars().rev().take_while(|letter| *letter != '\n').count();
    let line = text.lines().nth(row).unwrap_or_default();
    format!("ERROR: <input>:{}:{}: {problem}\n | {line}\n | {}^", row + 1, column + 1, ".".repeat(column))
}

struct Checker<'a> {
    /// The part of the expression, and what is wrong with it.
    found: Vec<(u64, String)>,
    /// The names that macros give to what they look at.
    scope: Vec<(&'a str, Type)>,
}

impl<'a> Checker<'a> {
    fn wrong(&mut self, part: &IdedExpr, problem: String) -> Type {
        self.found.push((part.id, problem));
        Type::Any
    }

    fn type_of(&mut self, part: &'a IdedExpr) -> Type {
        match &part.expr {
            Expr::Literal(value) => match value {
                LiteralValue::Boolean(_) => Type::Bool,
                LiteralValue::Bytes(_) => Type::Bytes,
                LiteralValue::Double(_) => Type::Double,
                LiteralValue::Int(_) => Type::Signed,
                LiteralValue::Null => Type::Null,
                LiteralValue::String(_) => Type::Text,
                LiteralValue::UInt(_) => Type::Unsigned,
            },
            Expr::Ident(name) => self.named(part, name),
            Expr::Select(select) => self.selected(part, select),
            Expr::Call(call) => self.called(part, call),
            Expr::Comprehension(comprehension) => self.repeated(comprehension),
            Expr::List(list) => {
                let types: Vec<_> = list.elements.iter().map(|element| self.type_of(element)).collect();
                let texts = !types.is_empty() && types.iter().all(|kind| *kind == Type::Text);
                if texts { Type::Texts } else { Type::List }
            }
            Expr::Map(map) => {
                for entry in &map.entries {
                    if let EntryExpr::MapEntry(entry) = &entry.expr {
                        self.type_of(&entry.key);
                        self.type_of(&entry.value);
                    }
                }
                Type::Map
            }
            Expr::Struct(_) | Expr::Unspecified => Type::Any,
        }
    }

    fn named(&mut self, part: &IdedExpr, name: &str) -> Type {
        match name {
            _ if let Some((_, kind)) = self.scope.iter().rfind(|(known, _)| *known == name) => *kind,
            "disk" => Type::Disk,
            "system_disk" => Type::Bool,
            size if SIZES.contains(&size) => Type::Unsigned,
            _ => self.wrong(part, format!("undeclared reference to '{name}' (in container '')")),
        }
    }

    fn selected(&mut self, part: &'a IdedExpr, select: &'a SelectExpr) -> Type {
        let field = select.field.as_str();
        let found = match self.type_of(&select.operand) {
            Type::Disk => match FIELDS.iter().find(|(name, _)| *name == field) {
                Some((_, kind)) => *kind,
                None => self.wrong(part, format!("undefined field '{field}'")),
            },
            Type::Map | Type::Any => Type::Any,
            other => self.wrong(part, format!("type '{other}' does not support field selection")),
        };
        if select.test { Type::Bool } else { found }
    }

    fn called(&mut self, part: &'a IdedExpr, call: &'a CallExpr) -> Type {
        let target = call.target.as_ref().map(|target| self.type_of(target));
        let args: Vec<_> = call.args.iter().map(|arg| self.type_of(arg)).collect();
        let name = call.func_name.as_str();
        let result = match target {
            Some(target) => method(name, target, &args),
            None => function(name, &args),
        };
        match result {
            Ok(kind) => kind,
            Err(Wrong::Name) => self.wrong(part, format!("undeclared reference to '{name}' (in container '')")),
            Err(Wrong::Types) => {
                let target = target.map(|target| format!("{target}.")).unwrap_or_default();
                let args: Vec<_> = args.iter().map(ToString::to_string).collect();
                let types = format!("{target}({})", args.join(", "));
                self.wrong(part, format!("found no matching overload for '{name}' applied to '{types}'"))
            }
        }
    }

    /// What a macro makes: it goes over a list, and remembers something on the way.
    fn repeated(&mut self, over: &'a ComprehensionExpr) -> Type {
        let range = self.type_of(&over.iter_range);
        if ![Type::List, Type::Texts, Type::Map, Type::Any].contains(&range) {
            let rule = "cannot be range of a comprehension (must be list, map, or dynamic)";
            self.wrong(&over.iter_range, format!("expression of type '{range}' {rule}"));
        }
        let remembered = self.type_of(&over.accu_init);
        let before = self.scope.len();
        self.scope.push((&over.accu_var, remembered));
        self.scope.push((&over.iter_var, range.element()));
        self.scope.extend(over.iter_var2.as_deref().map(|name| (name, Type::Any)));
        self.type_of(&over.loop_cond);
        self.type_of(&over.loop_step);
        let result = self.type_of(&over.result);
        self.scope.truncate(before);
        result
    }
}

/// What is wrong with a call.
enum Wrong {
    Name,
    Types,
}

fn method(name: &str, target: Type, args: &[Type]) -> Result<Type, Wrong> {
    match (name, args) {
        ("startsWith" | "endsWith" | "contains" | "matches", [arg])
            if Type::Text.fits(target) && Type::Text.fits(*arg) =>
        {
            Ok(Type::Bool)
        }
        ("size", []) if has_size(target) => Ok(Type::Signed),
        ("startsWith" | "endsWith" | "contains" | "matches" | "size", _) => Err(Wrong::Types),
        _ => Err(Wrong::Name),
    }
}

fn has_size(of: Type) -> bool {
    [Type::Text, Type::Bytes, Type::List, Type::Map].iter().any(|kind| kind.fits(of))
}

fn function(name: &str, args: &[Type]) -> Result<Type, Wrong> {
    use Type::{Any, Bool, Bytes, Double, List, Map, Signed, Text, Unsigned};
    let among = |kinds: &[Type], kind: &Type| kinds.contains(kind) || *kind == Any;
    // The arguments have one type, which is among these.
    let same = |kinds: &[Type]| match args {
        [left, right] => left.fits(*right) && among(kinds, left) && among(kinds, right),
        _ => false,
    };
    let ordered = [Bool, Signed, Unsigned, Double, Text, Bytes];
    let first = args.first().copied().unwrap_or(Any);
    let result = match name {
        operators::LESS | operators::LESS_EQUALS | operators::GREATER | operators::GREATER_EQUALS => {
            same(&ordered).then_some(Bool)
        }
        operators::EQUALS | operators::NOT_EQUALS => matches!(args, [left, right] if left.fits(*right)).then_some(Bool),
        operators::LOGICAL_AND | operators::LOGICAL_OR => same(&[Bool]).then_some(Bool),
        operators::LOGICAL_NOT | operators::NOT_STRICTLY_FALSE => first.fits(Bool).then_some(Bool),
        operators::ADD => same(&[Signed, Unsigned, Double, Text, Bytes, Type::Texts, List]).then_some(first),
        operators::SUBSTRACT | operators::MULTIPLY | operators::DIVIDE => {
            same(&[Signed, Unsigned, Double]).then_some(first)
        }
        operators::MODULO => same(&[Signed, Unsigned]).then_some(first),
        operators::NEGATE => among(&[Signed, Double], &first).then_some(first),
        operators::CONDITIONAL => match args {
            [choice, yes, no] if choice.fits(Bool) && yes.fits(*no) => Some(*yes),
            _ => None,
        },
        operators::IN => match args {
            [Any, _] | [_, Any | Map | List] => Some(Bool),
            [kind, Type::Texts] if *kind == Text => Some(Bool),
            _ => None,
        },
        operators::INDEX => match args {
            [list @ (List | Type::Texts), index] if index.fits(Signed) => Some(list.element()),
            [Map | Any, _] => Some(Any),
            _ => None,
        },
        "size" => (args.len() == 1 && has_size(first)).then_some(Signed),
        "matches" | "glob" => same(&[Text]).then_some(Bool),
        "int" => (args.len() == 1 && among(&[Signed, Unsigned, Double, Text], &first)).then_some(Signed),
        "uint" => (args.len() == 1 && among(&[Signed, Unsigned, Double, Text], &first)).then_some(Unsigned),
        "double" => (args.len() == 1 && among(&[Signed, Unsigned, Double, Text], &first)).then_some(Double),
        "string" => (args.len() == 1 && among(&ordered, &first)).then_some(Text),
        "dyn" | "type" => (args.len() == 1).then_some(Any),
        _ => return Err(Wrong::Name),
    };
    result.ok_or(Wrong::Types)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_that_choose() {
        for text in [
            "true",
            "disk.size > 10u * GB && !disk.rotational",
            "disk.size >= uint(10) * GiB",
            "disk.transport == 'nvme' || '/dev/disk/by-id/x' in disk.symlinks",
            "glob('QEMU*', disk.model) && !system_disk",
            "disk.serial.startsWith('S3') ? disk.readonly : disk.cdrom",
            "disk.symlinks.exists(link, link.contains('nvme'))",
            "disk.symlinks.all(link, size(link) > 3) && disk.symlinks.size() == 2",
            "disk.secondary_disks[3] == 'sdb'",
            "disk.model in ['a', 'b']",
            "has(disk.serial)",
        ] {
            assert_eq!(problem(text), None, "{text}");
        }
    }

    #[test]
    fn expressions_choose_disks() {
        let nvme = BlockDevice {
            dev_path: "/dev/nvme0n1".into(),
            size: 512_000_000_000,
            model: "Samsung SSD 980".into(),
            transport: "nvme".into(),
            symlinks: vec!["/dev/disk/by-id/nvme-a".into()],
            ..Default::default()
        };
        let old = BlockDevice {
            linux_name: "/dev/sda".into(),
            size: 4 << 40,
            rotational: true,
            system_disk: true,
            ..Default::default()
        };
        for (text, expected) in [
            ("true", &["/dev/nvme0n1", "/dev/sda"][..]),
            ("disk.size <= 600u * GB", &["/dev/nvme0n1"]),
            ("disk.size == 4u * TiB", &["/dev/sda"]),
            ("disk.transport == 'nvme' && !disk.rotational", &["/dev/nvme0n1"]),
            ("disk.symlinks.exists(link, link.contains('by-id'))", &["/dev/nvme0n1"]),
            ("glob('Samsung*', disk.model)", &["/dev/nvme0n1"]),
            ("disk.model.matches('^Sam.*980$')", &["/dev/nvme0n1"]),
            ("disk.dev_path == '/dev/sda' || system_disk", &["/dev/sda"]),
            ("disk.readonly", &[]),
        ] {
            let disks = [nvme.clone(), old.clone()];
            let found = matching(text, &disks).map(|found| found.into_iter().map(path).collect::<Vec<_>>());
            assert_eq!(found.as_deref(), Ok(expected), "{text}");
        }
        let disks = [old];
        let failed = matching("disk.secondary_disks[3] == 'sdb'", &disks).unwrap_err();
        assert!(failed.starts_with("error evaluating the selector against \"/dev/sda\": "), "{failed}");
        assert_eq!(matching("disk.size", &disks).unwrap_err(), "expression output type is uint, expected bool");
    }

    #[test]
    fn expressions_that_cannot() {
        for (text, expected) in [
            ("disk.size", "expression output type is uint, expected bool"),
            ("disk.model + 'x'", "expression output type is string, expected bool"),
            ("disk.symlinks", "expression output type is list(string), expected bool"),
            ("1 + 1", "expression output type is int, expected bool"),
            (
                "disk.size > 10",
                "ERROR: <input>:1:11: found no matching overload for '_>_' applied to '(uint, int)'\n \
                 | disk.size > 10\n | ..........^",
            ),
            (
                "disk.colour == \"red\"",
                "ERROR: <input>:1:5: undefined field 'colour'\n | disk.colour == \"red\"\n | ....^",
            ),
            (
                "machine.size > 1u",
                "ERROR: <input>:1:1: undeclared reference to 'machine' (in container '')\n | machine.size > 1u\n | ^",
            ),
            (
                "true || disk.size == 'big'",
                "ERROR: <input>:1:19: found no matching overload for '_==_' applied to '(uint, string)'\n \
                 | true || disk.size == 'big'\n | ..................^",
            ),
            (
                "disk.rotational && disk.size",
                "ERROR: <input>:1:17: found no matching overload for '_&&_' applied to '(bool, uint)'\n \
                 | disk.rotational && disk.size\n | ................^",
            ),
            (
                "disk.serial.startsWith(1)",
                "ERROR: <input>:1:23: found no matching overload for 'startsWith' applied to 'string.(int)'\n \
                 | disk.serial.startsWith(1)\n | ......................^",
            ),
            (
                "disk.serial.lower() == 'a'",
                "ERROR: <input>:1:18: undeclared reference to 'lower' (in container '')\n \
                 | disk.serial.lower() == 'a'\n | .................^",
            ),
            (
                "disk.size.bytes > 1u",
                "ERROR: <input>:1:10: type 'uint' does not support field selection\n \
                 | disk.size.bytes > 1u\n | .........^",
            ),
        ] {
            assert_eq!(problem(text).as_deref(), Some(expected), "{text}");
        }
        let cut = problem("disk.size >").unwrap_or_default();
        assert!(cut.starts_with("ERROR: <input>:1:12: Syntax error: "), "{cut}");
        assert!(cut.contains("\n | disk.size >\n | ...........^"), "{cut}");
    }
}
