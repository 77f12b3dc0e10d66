//! `EmbeddedStore` keeps every promise of the inbox, directory and push device ports. Each check has a
//! file of its own.

mod support;

use async_trait::async_trait;
use eventflow_ports::{
    Directory, Inbox, PushDevices, directory_contract, inbox_contract, preferences_contract,
    push_devices_contract,
};
use std::sync::Arc;
use support::File;

#[async_trait]
impl inbox_contract::Harness for File {
    async fn open(&self) -> Arc<dyn Inbox> {
        Arc::new(self.store().await)
    }
}

#[async_trait]
impl directory_contract::Harness for File {
    async fn open(&self) -> Arc<dyn Directory> {
        Arc::new(self.store().await)
    }
}

#[async_trait]
impl push_devices_contract::Harness for File {
    async fn open(&self) -> Arc<dyn PushDevices> {
        Arc::new(self.store().await)
    }
}

#[tokio::test]
async fn a_notification_comes_back_unchanged() {
    inbox_contract::a_notification_comes_back_unchanged(&File::new()).await;
}

#[tokio::test]
async fn data_comes_back_as_it_came() {
    inbox_contract::data_comes_back_as_it_came(&File::new()).await;
}

#[tokio::test]
async fn a_notification_that_comes_again_is_there_once() {
    inbox_contract::a_notification_that_comes_again_is_there_once(&File::new()).await;
}

#[tokio::test]
async fn a_keyed_notification_is_there_once() {
    inbox_contract::a_keyed_notification_is_there_once(&File::new()).await;
}

#[tokio::test]
async fn a_deleted_notification_stays_deleted() {
    inbox_contract::a_deleted_notification_stays_deleted(&File::new()).await;
}

#[tokio::test]
async fn unread_notifications_are_counted() {
    inbox_contract::unread_notifications_are_counted(&File::new()).await;
}

#[tokio::test]
async fn reading_all_leaves_what_came_later() {
    inbox_contract::reading_all_leaves_what_came_later(&File::new()).await;
}

#[tokio::test]
async fn a_hidden_notification_is_found_by_its_id_alone() {
    inbox_contract::a_hidden_notification_is_found_by_its_id_alone(&File::new()).await;
}

#[tokio::test]
async fn reading_a_thread_reads_what_is_told_about_it() {
    inbox_contract::reading_a_thread_reads_what_is_told_about_it(&File::new()).await;
}

#[tokio::test]
async fn pages_of_notifications_show_each_once() {
    inbox_contract::pages_of_notifications_show_each_once(&File::new()).await;
}

#[tokio::test]
async fn the_preferences_that_come_later_count() {
    preferences_contract::the_preferences_that_come_later_count(&File::new()).await;
}

#[tokio::test]
async fn a_change_keeps_what_it_does_not_name() {
    preferences_contract::a_change_keeps_what_it_does_not_name(&File::new()).await;
}

#[tokio::test]
async fn changes_at_the_same_moment_all_count() {
    preferences_contract::changes_at_the_same_moment_all_count(&File::new()).await;
}

#[tokio::test]
async fn mails_stop_for_every_kind() {
    preferences_contract::mails_stop_for_every_kind(&File::new()).await;
}

#[tokio::test]
async fn each_thread_is_muted_by_itself() {
    preferences_contract::each_thread_is_muted_by_itself(&File::new()).await;
}

#[tokio::test]
async fn a_change_that_does_not_fit_writes_nothing() {
    preferences_contract::a_change_that_does_not_fit_writes_nothing(&File::new()).await;
}

#[tokio::test]
async fn a_profile_is_found_as_it_was_written() {
    directory_contract::a_profile_is_found_as_it_was_written(&File::new()).await;
}

#[tokio::test]
async fn a_segment_shows_each_of_its_people_once() {
    directory_contract::a_segment_shows_each_of_its_people_once(&File::new()).await;
}

#[tokio::test]
async fn unknown_people_are_absent() {
    directory_contract::unknown_people_are_absent(&File::new()).await;
}

#[tokio::test]
async fn the_name_of_a_token_fills_the_place_of_a_profile() {
    directory_contract::the_name_of_a_token_fills_the_place_of_a_profile(&File::new()).await;
}

#[tokio::test]
async fn people_are_found_by_the_words_of_their_names() {
    directory_contract::people_are_found_by_the_words_of_their_names(&File::new()).await;
}

#[tokio::test]
async fn whoever_lost_all_credentials_is_not_found() {
    directory_contract::whoever_lost_all_credentials_is_not_found(&File::new()).await;
}

#[tokio::test]
async fn a_revocation_is_remembered() {
    directory_contract::a_revocation_is_remembered(&File::new()).await;
}

#[tokio::test]
async fn revoking_again_changes_nothing() {
    directory_contract::revoking_again_changes_nothing(&File::new()).await;
}

#[tokio::test]
async fn a_device_is_found_as_it_was_registered() {
    push_devices_contract::a_device_is_found_as_it_was_registered(&File::new()).await;
}

#[tokio::test]
async fn a_device_belongs_to_whoever_registered_it_last() {
    push_devices_contract::a_device_belongs_to_whoever_registered_it_last(&File::new()).await;
}

#[tokio::test]
async fn a_removed_device_comes_back_only_by_a_later_registration() {
    push_devices_contract::a_removed_device_comes_back_only_by_a_later_registration(&File::new()).await;
}

#[tokio::test]
async fn the_oldest_registration_gives_way() {
    push_devices_contract::the_oldest_registration_gives_way(&File::new()).await;
}

#[tokio::test]
async fn what_a_device_shows_is_the_newest_push_of_its_tag() {
    push_devices_contract::what_a_device_shows_is_the_newest_push_of_its_tag(&File::new()).await;
}

#[tokio::test]
async fn a_device_of_somebody_else_shows_nothing_of_its_owner_before() {
    push_devices_contract::a_device_of_somebody_else_shows_nothing_of_its_owner_before(&File::new()).await;
}
