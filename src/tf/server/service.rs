//! The RPCs of the service, in the order of the protocol; other modules implement them.

use super::respond::{Answer as _, Reply, Subject, netted, reply, respond};
use super::stream::one;
use super::unsupported::{no_feature, no_type};
use super::{
    Server, action, apply, data, ephemeral, functions, generate, import, list_resource, moves, plan, read, schema,
    state, validate,
};
use omni_proto::tfplugin6::{
    apply_resource_change, call_function, close_ephemeral_resource, configure_provider, configure_state_store,
    delete_state, generate_resource_config, get_functions, get_metadata, get_provider_schema,
    get_resource_identity_schemas, get_states, import_resource_state, invoke_action, list_resource as pb_list,
    lock_state, move_resource_state, open_ephemeral_resource, plan_action, plan_resource_change, provider_server,
    read_data_source, read_resource, read_state_bytes, renew_ephemeral_resource, stop_provider, unlock_state,
    upgrade_resource_identity, upgrade_resource_state, validate_action_config, validate_data_resource_config,
    validate_ephemeral_resource_config, validate_list_resource_config, validate_provider_config,
    validate_resource_config, validate_state_store, write_state_bytes,
};
use tonic::codegen::BoxStream;
use tonic::{Request, Response, Streaming};

#[tonic::async_trait]
impl provider_server::Provider for Server {
    async fn get_metadata(&self, _request: Request<get_metadata::Request>) -> Reply<get_metadata::Response> {
        reply("GetMetadata", Subject::Provider, async { schema::metadata(self) }).await
    }

    async fn get_provider_schema(
        &self,
        _request: Request<get_provider_schema::Request>,
    ) -> Reply<get_provider_schema::Response> {
        reply("GetProviderSchema", Subject::Provider, async { schema::schemas(self) }).await
    }

    async fn validate_provider_config(
        &self,
        request: Request<validate_provider_config::Request>,
    ) -> Reply<validate_provider_config::Response> {
        let request = request.into_inner();
        reply("ValidateProviderConfig", Subject::Provider, async { validate::provider(self, request).await }).await
    }

    async fn validate_resource_config(
        &self,
        request: Request<validate_resource_config::Request>,
    ) -> Reply<validate_resource_config::Response> {
        let request = request.into_inner();
        let name = request.type_name.clone();
        reply("ValidateResourceConfig", Subject::Resource(&name), async { validate::resource(self, request).await })
            .await
    }

    async fn validate_data_resource_config(
        &self,
        request: Request<validate_data_resource_config::Request>,
    ) -> Reply<validate_data_resource_config::Response> {
        let request = request.into_inner();
        let name = request.type_name.clone();
        reply("ValidateDataResourceConfig", Subject::Data(&name), async { validate::data(self, request).await }).await
    }

    async fn upgrade_resource_state(
        &self,
        request: Request<upgrade_resource_state::Request>,
    ) -> Reply<upgrade_resource_state::Response> {
        let request = request.into_inner();
        let name = request.type_name.clone();
        reply("UpgradeResourceState", Subject::Resource(&name), async { state::state(self, request) }).await
    }

    async fn get_resource_identity_schemas(
        &self,
        _request: Request<get_resource_identity_schemas::Request>,
    ) -> Reply<get_resource_identity_schemas::Response> {
        reply("GetResourceIdentitySchemas", Subject::Provider, async { schema::identities(self) }).await
    }

    async fn upgrade_resource_identity(
        &self,
        request: Request<upgrade_resource_identity::Request>,
    ) -> Reply<upgrade_resource_identity::Response> {
        let request = request.into_inner();
        let name = request.type_name.clone();
        reply("UpgradeResourceIdentity", Subject::Resource(&name), async { state::identity(self, request) }).await
    }

    async fn configure_provider(
        &self,
        request: Request<configure_provider::Request>,
    ) -> Reply<configure_provider::Response> {
        let request = request.into_inner();
        reply("ConfigureProvider", Subject::Provider, async { validate::configure(self, request).await }).await
    }

    async fn read_resource(&self, request: Request<read_resource::Request>) -> Reply<read_resource::Response> {
        let request = request.into_inner();
        let name = request.type_name.clone();
        reply("ReadResource", Subject::Resource(&name), async { read::read(self, request).await }).await
    }

    async fn plan_resource_change(
        &self,
        request: Request<plan_resource_change::Request>,
    ) -> Reply<plan_resource_change::Response> {
        let request = request.into_inner();
        let name = request.type_name.clone();
        reply("PlanResourceChange", Subject::Resource(&name), async { plan::plan(self, request).await }).await
    }

    async fn apply_resource_change(
        &self,
        request: Request<apply_resource_change::Request>,
    ) -> Reply<apply_resource_change::Response> {
        let request = request.into_inner();
        let name = request.type_name.clone();
        let (prior, private, identity) =
            (request.prior_state.clone(), request.planned_private.clone(), request.planned_identity.clone());
        let work = async { apply::apply(self, request).await };
        let mut answer = respond("ApplyResourceChange", Subject::Resource(&name), work).await;
        // After a failure without a state, such as a panic, the host keeps the prior state.
        if answer.new_state.is_none() {
            (answer.new_state, answer.private, answer.new_identity) = (prior, private, identity);
        }
        Ok(Response::new(answer))
    }

    async fn import_resource_state(
        &self,
        request: Request<import_resource_state::Request>,
    ) -> Reply<import_resource_state::Response> {
        let request = request.into_inner();
        let name = request.type_name.clone();
        reply("ImportResourceState", Subject::Resource(&name), async { import::import(self, request).await }).await
    }

    async fn move_resource_state(
        &self,
        request: Request<move_resource_state::Request>,
    ) -> Reply<move_resource_state::Response> {
        let request = request.into_inner();
        reply("MoveResourceState", Subject::Resource(&request.target_type_name), async { moves::moved(self, &request) })
            .await
    }

    async fn read_data_source(&self, request: Request<read_data_source::Request>) -> Reply<read_data_source::Response> {
        let request = request.into_inner();
        let name = request.type_name.clone();
        reply("ReadDataSource", Subject::Data(&name), async { data::read(self, request).await }).await
    }

    async fn generate_resource_config(
        &self,
        request: Request<generate_resource_config::Request>,
    ) -> Reply<generate_resource_config::Response> {
        let request = request.into_inner();
        reply("GenerateResourceConfig", Subject::Resource(&request.type_name), async {
            generate::generate(self, &request)
        })
        .await
    }

    async fn validate_ephemeral_resource_config(
        &self,
        request: Request<validate_ephemeral_resource_config::Request>,
    ) -> Reply<validate_ephemeral_resource_config::Response> {
        let request = request.into_inner();
        let name = request.type_name.clone();
        reply("ValidateEphemeralResourceConfig", Subject::Ephemeral(&name), async {
            ephemeral::validate(self, request).await
        })
        .await
    }

    async fn open_ephemeral_resource(
        &self,
        request: Request<open_ephemeral_resource::Request>,
    ) -> Reply<open_ephemeral_resource::Response> {
        let request = request.into_inner();
        let name = request.type_name.clone();
        reply("OpenEphemeralResource", Subject::Ephemeral(&name), async { ephemeral::open(self, request).await }).await
    }

    async fn renew_ephemeral_resource(
        &self,
        request: Request<renew_ephemeral_resource::Request>,
    ) -> Reply<renew_ephemeral_resource::Response> {
        let request = request.into_inner();
        let name = request.type_name.clone();
        reply("RenewEphemeralResource", Subject::Ephemeral(&name), async { ephemeral::renew(self, request).await })
            .await
    }

    async fn close_ephemeral_resource(
        &self,
        request: Request<close_ephemeral_resource::Request>,
    ) -> Reply<close_ephemeral_resource::Response> {
        let request = request.into_inner();
        let name = request.type_name.clone();
        reply("CloseEphemeralResource", Subject::Ephemeral(&name), async { ephemeral::close(self, request).await })
            .await
    }

    async fn list_resource(&self, request: Request<pb_list::Request>) -> Reply<BoxStream<pb_list::Event>> {
        let request = request.into_inner();
        let stream = netted("ListResource", async { list_resource::list(self, &request) }).await;
        Ok(Response::new(stream.unwrap_or_else(|diagnostics| one(pb_list::Event::refusal(&diagnostics)))))
    }

    async fn validate_list_resource_config(
        &self,
        request: Request<validate_list_resource_config::Request>,
    ) -> Reply<validate_list_resource_config::Response> {
        let request = request.into_inner();
        let name = request.type_name.clone();
        reply("ValidateListResourceConfig", Subject::List(&name), async {
            list_resource::validate(self, request).await
        })
        .await
    }

    async fn get_functions(&self, _request: Request<get_functions::Request>) -> Reply<get_functions::Response> {
        reply("GetFunctions", Subject::Provider, async { functions::list(self) }).await
    }

    async fn call_function(&self, request: Request<call_function::Request>) -> Reply<call_function::Response> {
        let request = request.into_inner();
        reply("CallFunction", Subject::Provider, async { functions::call(self, &request) }).await
    }

    async fn validate_state_store_config(
        &self,
        request: Request<validate_state_store::Request>,
    ) -> Reply<validate_state_store::Response> {
        let request = request.into_inner();
        reply("ValidateStateStoreConfig", Subject::Provider, async { no_type("state store", &request.type_name) }).await
    }

    async fn configure_state_store(
        &self,
        request: Request<configure_state_store::Request>,
    ) -> Reply<configure_state_store::Response> {
        let request = request.into_inner();
        reply("ConfigureStateStore", Subject::Provider, async { no_type("state store", &request.type_name) }).await
    }

    async fn read_state_bytes(
        &self,
        request: Request<read_state_bytes::Request>,
    ) -> Reply<BoxStream<read_state_bytes::Response>> {
        let request = request.into_inner();
        let answer =
            respond("ReadStateBytes", Subject::Provider, async { no_type("state store", &request.type_name) }).await;
        Ok(Response::new(one(answer)))
    }

    async fn write_state_bytes(
        &self,
        _request: Request<Streaming<write_state_bytes::RequestChunk>>,
    ) -> Reply<write_state_bytes::Response> {
        let work = async { no_feature("state stores", "Use a backend of the host.") };
        reply("WriteStateBytes", Subject::Provider, work).await
    }

    async fn lock_state(&self, request: Request<lock_state::Request>) -> Reply<lock_state::Response> {
        let request = request.into_inner();
        reply("LockState", Subject::Provider, async { no_type("state store", &request.type_name) }).await
    }

    async fn unlock_state(&self, request: Request<unlock_state::Request>) -> Reply<unlock_state::Response> {
        let request = request.into_inner();
        reply("UnlockState", Subject::Provider, async { no_type("state store", &request.type_name) }).await
    }

    async fn get_states(&self, request: Request<get_states::Request>) -> Reply<get_states::Response> {
        let request = request.into_inner();
        reply("GetStates", Subject::Provider, async { no_type("state store", &request.type_name) }).await
    }

    async fn delete_state(&self, request: Request<delete_state::Request>) -> Reply<delete_state::Response> {
        let request = request.into_inner();
        reply("DeleteState", Subject::Provider, async { no_type("state store", &request.type_name) }).await
    }

    async fn plan_action(&self, request: Request<plan_action::Request>) -> Reply<plan_action::Response> {
        let request = request.into_inner();
        let name = request.action_type.clone();
        reply("PlanAction", Subject::Action(&name), async { action::plan(self, request).await }).await
    }

    async fn invoke_action(&self, request: Request<invoke_action::Request>) -> Reply<BoxStream<invoke_action::Event>> {
        let request = request.into_inner();
        let stream = netted("InvokeAction", async { action::invoke(self, &request) }).await;
        Ok(Response::new(stream.unwrap_or_else(|diagnostics| one(invoke_action::Event::refusal(&diagnostics)))))
    }

    async fn validate_action_config(
        &self,
        request: Request<validate_action_config::Request>,
    ) -> Reply<validate_action_config::Response> {
        let request = request.into_inner();
        let name = request.type_name.clone();
        reply("ValidateActionConfig", Subject::Action(&name), async { action::validate(self, request).await }).await
    }

    // The process continues; calls in progress are cancelled and respond.
    async fn stop_provider(&self, _request: Request<stop_provider::Request>) -> Reply<stop_provider::Response> {
        reply("StopProvider", Subject::Provider, async {
            self.stop();
            Ok(stop_provider::Response::default())
        })
        .await
    }
}
