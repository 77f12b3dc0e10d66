//! The routes about devices that pushes go to: register, list, remove, and the key that browsers subscribe
//! with.
//!
//! A browser registers its subscription whenever its page is opened: registering again renews it. Nobody is
//! shown the address or the keys of a device.

use crate::commands::unexpected;
use crate::edge::Edge;
use crate::http::after_clocks::after_clocks;
use crate::http::answer::{RouteAnswer, RouteResult};
use crate::http::body::JsonBody;
use crate::http::caller::Caller;
use crate::http::path::IdPath;
use crate::refusal::Refusal;
use axum::extract::State;
use eventflow_protocol::PushDeviceId;
use eventflow_protocol::client::Success;
use eventflow_protocol::client::answers::{
    DeviceAnswer, DevicesAnswer, DoneAnswer, PushKeyAnswer, ShownDevice,
};
use eventflow_protocol::client::requests::DeviceBody;
use eventflow_protocol::command::Command;
use eventflow_protocol::push::RemovePushDevice;
use eventflow_protocol::reply::CommandResult;
use std::sync::Arc;

/// `POST /devices {subscription | fcmToken, name?}`: the caller's pushes go to this device too, and those of
/// nobody else.
pub(crate) async fn register(
    State(edge): State<Arc<Edge>>,
    Caller(caller): Caller,
    JsonBody(body): JsonBody<DeviceBody>,
) -> RouteResult<DeviceAnswer> {
    let mut device = body.into_device(caller.user, edge.clock.now())?;
    // The one of the caller that was registered last counts too: a person keeps the newest ones.
    let newest = edge.devices.devices_of(&device.user_id).await?.first().map(|newest| newest.at);
    let stored = edge.devices.device_changed_at(device.id).await?.max(newest);
    device.at = after_clocks(stored, device.at);
    let command = Command::RegisterPushDevice(device.clone());
    match edge.commands.send_command(&command).await?.result().await? {
        CommandResult::Done => {
            Ok(RouteAnswer::Created(DeviceAnswer { device: ShownDevice::from(device), success: Success }))
        }
        CommandResult::Queued { command } => Ok(RouteAnswer::queued(command)),
        other => Err(unexpected(&other)),
    }
}

/// `GET /devices`: the caller's devices.
pub(crate) async fn list(
    State(edge): State<Arc<Edge>>,
    Caller(caller): Caller,
) -> RouteResult<DevicesAnswer> {
    let devices = edge.devices.devices_of(&caller.user).await?;
    let devices = devices.into_iter().map(ShownDevice::from).collect();
    Ok(RouteAnswer::Ok(DevicesAnswer { devices, success: Success }))
}

/// `DELETE /devices/{id}`: the device gets no more pushes.
pub(crate) async fn remove(
    State(edge): State<Arc<Edge>>,
    Caller(caller): Caller,
    IdPath(device_id): IdPath<PushDeviceId>,
) -> RouteResult<DoneAnswer> {
    let own = edge.devices.devices_of(&caller.user).await?;
    let Some(device) = own.iter().find(|device| device.id == device_id) else {
        return Err(Refusal::not_found("device"));
    };
    let at = after_clocks(Some(device.at), edge.clock.now());
    let removal = RemovePushDevice { device_id, user_id: caller.user, at };
    match edge.commands.send_command(&Command::RemovePushDevice(removal)).await?.result().await? {
        CommandResult::Done => Ok(RouteAnswer::Ok(DoneAnswer::default())),
        CommandResult::Queued { command } => Ok(RouteAnswer::queued(command)),
        other => Err(unexpected(&other)),
    }
}

/// `GET /push/key`: what a browser subscribes with.
pub(crate) async fn key(State(edge): State<Arc<Edge>>) -> RouteResult<PushKeyAnswer> {
    Ok(RouteAnswer::Ok(PushKeyAnswer { public_key: edge.push_key.clone(), success: Success }))
}
