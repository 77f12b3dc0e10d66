//! Push devices, and what they show.
//!
//! A device is one document; a removed one keeps its id and the time of its removal for a while. Of a
//! registration and a removal the later one stays; the filter of the write decides, and its upsert meets the
//! primary key where a later one exists.

use crate::call::CallError;
use crate::connection::{READ_LIMIT, WRITE_LIMIT};
use crate::record::push::{DeviceRecord, ShownRecord};
use crate::record::values::{date, moment, object_id, place};
use crate::store::MongoStore;
use async_trait::async_trait;
use eventflow_ports::StoreError;
use eventflow_ports::push_devices::{PushDevices, Shown, TAGS_MAX};
use eventflow_protocol::push::{DEVICES_PER_USER_MAX, PushDevice, RemovePushDevice};
use eventflow_protocol::{PushDeviceId, Timestamp, UserId};
use futures_util::TryStreamExt;
use mongodb::bson::oid::ObjectId;
use mongodb::bson::{Document, doc};
use std::collections::{BTreeSet, HashSet};

#[async_trait]
impl PushDevices for MongoStore {
    async fn register_device(&self, device: &PushDevice) -> Result<(), StoreError> {
        match self.put_device(device).await {
            // The device was registered or removed later.
            Err(error) if error.is_duplicate() => {}
            done => done?,
        }
        self.forget_former_owner(device).await?;
        self.limit_devices(&device.user_id).await?;
        Ok(())
    }

    async fn remove_device(&self, removal: &RemovePushDevice) -> Result<bool, StoreError> {
        let filter = doc! {
            "_id": object_id(removal.device_id),
            "userId": removal.user_id.as_str(),
            "at": { "$lte": date(removal.at) },
        };
        let mut update = without_owner();
        update.insert("$set", doc! { "at": date(removal.at), "removedAt": date(removal.at) });
        let collection = self.push_devices.clone();
        let write = async move { collection.update_one(filter, update).await };
        let removed = self.calls.run("remove a device", WRITE_LIMIT, write).await?.modified_count == 1;
        if removed {
            self.forget_all_shown(doc! { "deviceId": object_id(removal.device_id) }).await?;
        }
        Ok(removed)
    }

    async fn device_changed_at(&self, device: PushDeviceId) -> Result<Option<Timestamp>, StoreError> {
        let found = self.device(device).await?;
        Ok(found.map(|record| moment(record.at)))
    }

    async fn devices_of(&self, user: &UserId) -> Result<Vec<PushDevice>, StoreError> {
        let (collection, filter) = (self.push_devices.clone(), doc! { "userId": user.as_str() });
        let find = async move {
            let find = collection.find(filter).sort(doc! { "at": -1, "_id": 1 }).max_time(READ_LIMIT);
            find.await?.try_collect::<Vec<_>>().await
        };
        let found = self.calls.run("read devices", READ_LIMIT, find).await?;
        Ok(found.into_iter().filter_map(DeviceRecord::into_device).collect())
    }

    async fn owners_among(&self, users: &[UserId]) -> Result<HashSet<UserId>, StoreError> {
        let users: Vec<&str> = users.iter().map(UserId::as_str).collect();
        let (collection, filter) = (self.push_devices.clone(), doc! { "userId": { "$in": users } });
        let owners = async move { collection.distinct("userId", filter).max_time(READ_LIMIT).await };
        let owners = self.calls.run("read who has devices", READ_LIMIT, owners).await?;
        Ok(owners.iter().filter_map(|owner| owner.as_str()?.parse().ok()).collect())
    }

    async fn note_shown(&self, shown: &[Shown]) -> Result<(), StoreError> {
        for one in shown {
            match self.put_shown(one).await {
                // The device shows something newer.
                Err(error) if error.is_duplicate() => {}
                done => done?,
            }
        }
        Ok(())
    }

    async fn shown(&self, user: &UserId, tag: &str) -> Result<Vec<Shown>, StoreError> {
        let owned: Vec<ObjectId> =
            self.devices_of(user).await?.into_iter().map(|device| object_id(device.id)).collect();
        if owned.is_empty() {
            return Ok(Vec::new());
        }
        let filter = doc! { "deviceId": { "$in": owned }, "tag": tag, "userId": user.as_str() };
        let collection = self.push_shown.clone();
        let find = async move {
            let find = collection.find(filter).sort(doc! { "deviceId": 1 }).max_time(READ_LIMIT);
            find.await?.try_collect::<Vec<_>>().await
        };
        let found = self.calls.run("read pushes", READ_LIMIT, find).await?;
        Ok(found.into_iter().map(Shown::from).collect())
    }

    async fn shown_tags(&self, user: &UserId, prefix: &str) -> Result<Vec<String>, StoreError> {
        let owned: Vec<ObjectId> =
            self.devices_of(user).await?.into_iter().map(|device| object_id(device.id)).collect();
        if owned.is_empty() {
            return Ok(Vec::new());
        }
        let filter = doc! { "deviceId": { "$in": owned }, "userId": user.as_str() };
        let collection = self.push_shown.clone();
        let find = async move {
            let find = collection.find(filter).sort(doc! { "at": -1 }).max_time(READ_LIMIT);
            find.await?.try_collect::<Vec<_>>().await
        };
        let found = self.calls.run("read pushes", READ_LIMIT, find).await?;
        let tags = found.into_iter().map(|record| Shown::from(record).tag);
        let tags: BTreeSet<String> = tags.filter(|tag| tag.starts_with(prefix)).collect();
        Ok(tags.into_iter().take(TAGS_MAX).collect())
    }

    async fn forget_shown(&self, devices: &[PushDeviceId], tag: &str, up_to: u64) -> Result<(), StoreError> {
        let devices: Vec<ObjectId> = devices.iter().map(|device| object_id(*device)).collect();
        let filter = doc! { "deviceId": { "$in": devices }, "tag": tag, "seq": { "$lte": place(up_to) } };
        Ok(self.forget_all_shown(filter).await?)
    }
}

impl MongoStore {
    /// Writes a device unless a later registration or removal exists, which the primary key tells.
    async fn put_device(&self, device: &PushDevice) -> Result<(), CallError> {
        let filter = doc! { "_id": object_id(device.id), "at": { "$lt": date(device.at) } };
        let record = DeviceRecord::from(device);
        let collection = self.push_devices.clone();
        let write = async move { collection.replace_one(filter, record).upsert(true).await.map(drop) };
        self.calls.run("register a device", WRITE_LIMIT, write).await
    }

    /// Reads a device, also a removed one.
    async fn device(&self, device: PushDeviceId) -> Result<Option<DeviceRecord>, CallError> {
        let (collection, filter) = (self.push_devices.clone(), doc! { "_id": object_id(device) });
        let find = async move { collection.find_one(filter).max_time(READ_LIMIT).await };
        self.calls.run("read a device", READ_LIMIT, find).await
    }

    /// Forgets what the device shows of anybody but the person who has it now.
    async fn forget_former_owner(&self, device: &PushDevice) -> Result<(), CallError> {
        let found = self.device(device.id).await?;
        let mut filter = doc! { "deviceId": object_id(device.id) };
        if let Some(owner) = found.and_then(DeviceRecord::into_device).map(|known| known.user_id) {
            filter.insert("userId", doc! { "$ne": owner.as_str() });
        }
        self.forget_all_shown(filter).await
    }

    /// Takes the owner from all devices but the newest.
    async fn limit_devices(&self, user: &UserId) -> Result<(), CallError> {
        let (collection, filter) = (self.push_devices.clone(), doc! { "userId": user.as_str() });
        let find = async move {
            let find = collection.find(filter).sort(doc! { "at": -1, "_id": 1 });
            let find = find.skip(DEVICES_PER_USER_MAX as u64).max_time(READ_LIMIT);
            find.await?.try_collect::<Vec<_>>().await
        };
        for old in self.calls.run("read devices", READ_LIMIT, find).await? {
            let mut update = without_owner();
            update.insert("$set", doc! { "removedAt": old.at });
            let filter = doc! { "_id": old.id, "userId": user.as_str(), "at": old.at };
            let collection = self.push_devices.clone();
            let write = async move { collection.update_one(filter, update).await.map(drop) };
            self.calls.run("remove a device", WRITE_LIMIT, write).await?;
        }
        Ok(())
    }

    /// Writes what a device shows unless it shows something newer, which the unique index tells.
    async fn put_shown(&self, shown: &Shown) -> Result<(), CallError> {
        let filter = doc! {
            "deviceId": object_id(shown.device_id),
            "tag": &shown.tag,
            "$or": [{ "seq": { "$lte": place(shown.seq) } }, { "userId": { "$ne": shown.user_id.as_str() } }],
        };
        let record = ShownRecord::from(shown);
        let collection = self.push_shown.clone();
        let write = async move { collection.replace_one(filter, record).upsert(true).await.map(drop) };
        self.calls.run("note a push", WRITE_LIMIT, write).await
    }

    async fn forget_all_shown(&self, filter: Document) -> Result<(), CallError> {
        let collection = self.push_shown.clone();
        let write = async move { collection.delete_many(filter).await.map(drop) };
        self.calls.run("forget pushes", WRITE_LIMIT, write).await
    }
}

/// The update after which a device belongs to nobody.
fn without_owner() -> Document {
    doc! { "$unset": { "userId": "", "target": "", "name": "" } }
}
