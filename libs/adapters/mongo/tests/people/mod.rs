//! Notifications, preferences and people honour their contracts; the host application's users are read with
//! care and never written.

use crate::support::{run_with_devices, run_with_directory, run_with_inbox, run_with_uri};
use eventflow_mongo::{HostKey, MongoOptions, MongoStore};
use eventflow_ports::{
    Directory, Segment, directory_contract, inbox_contract, preferences_contract, push_devices_contract,
};
use eventflow_protocol::UserId;
use eventflow_protocol::person::{Profile, TokenName};
use mongodb::bson::oid::ObjectId;
use mongodb::bson::{Bson, Document, doc};
use mongodb::{Client, Collection, IndexModel};

#[tokio::test]
async fn a_notification_comes_back_unchanged() {
    run_with_inbox(inbox_contract::a_notification_comes_back_unchanged).await;
}

#[tokio::test]
async fn data_comes_back_as_it_came() {
    run_with_inbox(inbox_contract::data_comes_back_as_it_came).await;
}

#[tokio::test]
async fn a_notification_that_comes_again_is_there_once() {
    run_with_inbox(inbox_contract::a_notification_that_comes_again_is_there_once).await;
}

#[tokio::test]
async fn a_keyed_notification_is_there_once() {
    run_with_inbox(inbox_contract::a_keyed_notification_is_there_once).await;
}

#[tokio::test]
async fn a_deleted_notification_stays_deleted() {
    run_with_inbox(inbox_contract::a_deleted_notification_stays_deleted).await;
}

#[tokio::test]
async fn unread_notifications_are_counted() {
    run_with_inbox(inbox_contract::unread_notifications_are_counted).await;
}

#[tokio::test]
async fn reading_all_leaves_what_came_later() {
    run_with_inbox(inbox_contract::reading_all_leaves_what_came_later).await;
}

#[tokio::test]
async fn a_hidden_notification_is_found_by_its_id_alone() {
    run_with_inbox(inbox_contract::a_hidden_notification_is_found_by_its_id_alone).await;
}

#[tokio::test]
async fn reading_a_thread_reads_what_is_told_about_it() {
    run_with_inbox(inbox_contract::reading_a_thread_reads_what_is_told_about_it).await;
}

#[tokio::test]
async fn pages_of_notifications_show_each_once() {
    run_with_inbox(inbox_contract::pages_of_notifications_show_each_once).await;
}

#[tokio::test]
async fn the_preferences_that_come_later_count() {
    run_with_inbox(preferences_contract::the_preferences_that_come_later_count).await;
}

#[tokio::test]
async fn a_change_keeps_what_it_does_not_name() {
    run_with_inbox(preferences_contract::a_change_keeps_what_it_does_not_name).await;
}

#[tokio::test]
async fn changes_at_the_same_moment_all_count() {
    run_with_inbox(preferences_contract::changes_at_the_same_moment_all_count).await;
}

#[tokio::test]
async fn mails_stop_for_every_kind() {
    run_with_inbox(preferences_contract::mails_stop_for_every_kind).await;
}

#[tokio::test]
async fn each_thread_is_muted_by_itself() {
    run_with_inbox(preferences_contract::each_thread_is_muted_by_itself).await;
}

#[tokio::test]
async fn a_change_that_does_not_fit_writes_nothing() {
    run_with_inbox(preferences_contract::a_change_that_does_not_fit_writes_nothing).await;
}

#[tokio::test]
async fn a_profile_is_found_as_it_was_written() {
    run_with_directory(directory_contract::a_profile_is_found_as_it_was_written).await;
}

#[tokio::test]
async fn a_segment_shows_each_of_its_people_once() {
    run_with_directory(directory_contract::a_segment_shows_each_of_its_people_once).await;
}

#[tokio::test]
async fn unknown_people_are_absent() {
    run_with_directory(directory_contract::unknown_people_are_absent).await;
}

#[tokio::test]
async fn the_name_of_a_token_fills_the_place_of_a_profile() {
    run_with_directory(directory_contract::the_name_of_a_token_fills_the_place_of_a_profile).await;
}

#[tokio::test]
async fn people_are_found_by_the_words_of_their_names() {
    run_with_directory(directory_contract::people_are_found_by_the_words_of_their_names).await;
}

#[tokio::test]
async fn whoever_lost_all_credentials_is_not_found() {
    run_with_directory(directory_contract::whoever_lost_all_credentials_is_not_found).await;
}

#[tokio::test]
async fn a_revocation_is_remembered() {
    run_with_directory(directory_contract::a_revocation_is_remembered).await;
}

#[tokio::test]
async fn revoking_again_changes_nothing() {
    run_with_directory(directory_contract::revoking_again_changes_nothing).await;
}

#[tokio::test]
async fn a_device_is_found_as_it_was_registered() {
    run_with_devices(push_devices_contract::a_device_is_found_as_it_was_registered).await;
}

#[tokio::test]
async fn a_device_belongs_to_whoever_registered_it_last() {
    run_with_devices(push_devices_contract::a_device_belongs_to_whoever_registered_it_last).await;
}

#[tokio::test]
async fn a_removed_device_comes_back_only_by_a_later_registration() {
    run_with_devices(push_devices_contract::a_removed_device_comes_back_only_by_a_later_registration).await;
}

#[tokio::test]
async fn the_oldest_registration_gives_way() {
    run_with_devices(push_devices_contract::the_oldest_registration_gives_way).await;
}

#[tokio::test]
async fn what_a_device_shows_is_the_newest_push_of_its_tag() {
    run_with_devices(push_devices_contract::what_a_device_shows_is_the_newest_push_of_its_tag).await;
}

#[tokio::test]
async fn a_device_of_somebody_else_shows_nothing_of_its_owner_before() {
    run_with_devices(push_devices_contract::a_device_of_somebody_else_shows_nothing_of_its_owner_before)
        .await;
}

#[tokio::test]
async fn users_of_the_host_are_known_by_either_id_and_never_written() {
    run_with_uri(async |uri| {
        let (store, users) = (MongoStore::connect(uri).await.unwrap(), users(uri).await);
        let key = ObjectId::new();
        let hosts = [
            doc! { "_id": ObjectId::new(), "id": "ann", "name": "Ann <b>Lee</b>", "email": "ann@example.org", "avatar": "/a.png" },
            doc! { "_id": key, "name": "Bob", "avatar": "javascript:alert(1)", "password": "secret" },
            doc! { "_id": "carl", "name": "Carl", "email": "carl@example.org" },
            doc! { "_id": "dora", "name": "Dora" },
            doc! { "_id": ObjectId::new(), "id": "dora", "name": "another one with her key" },
        ];
        users.insert_many(&hosts).await.unwrap();
        let asked = people(&["ann", &key.to_hex(), "carl", "dora", "nobody"]);
        let known = store.profiles(&asked).await.unwrap();
        let shown = |i: usize| known.get(&asked[i]).map(|profile| (profile.name.as_str(), profile.avatar.as_deref(), profile.email.as_deref()));
        assert_eq!(shown(0), Some(("Ann <b>Lee</b>", Some("/a.png"), Some("ann@example.org"))));
        assert_eq!(shown(1), Some(("Bob", None, None)));
        assert_eq!(shown(2), Some(("Carl", None, Some("carl@example.org"))));
        assert_eq!(shown(3), Some(("Dora", None, None)), "`_id` counts before `id`");
        assert_eq!(shown(4), None);
        for user in &asked[2..] {
            let name = TokenName { user_id: user.clone(), name: "of a token".to_owned() };
            store.note_token_name(&name).await.unwrap();
        }
        let names: Vec<_> = store.profiles(&asked).await.unwrap().into_values().map(|known| known.name).collect();
        assert_eq!(names.iter().filter(|name| *name == "of a token").count(), 1, "only nobody has it: {names:?}");
        let own = Profile { id: asked[2].clone(), name: "Karl".to_owned(), avatar: None, email: None, role: None };
        store.put_profile(&own).await.unwrap();
        assert_eq!(store.profiles(&asked).await.unwrap()[&asked[2]], own, "a profile of our own wins");
        let mut left: Vec<Document> = Vec::new();
        let mut cursor = users.find(doc! {}).await.unwrap();
        while cursor.advance().await.unwrap() {
            left.push(cursor.deserialize_current().unwrap());
        }
        assert_eq!(left, hosts);
        assert_eq!(users.list_index_names().await.unwrap(), ["_id_"]);
    })
    .await;
}

#[tokio::test]
async fn odd_users_of_the_host_hide_nobody() {
    run_with_uri(async |uri| {
        let (store, users) = (MongoStore::connect(uri).await.unwrap(), users(uri).await);
        let hosts = [
            doc! { "id": "ann", "name": 5, "email": ["a@b"], "avatar": { "url": "/a.png" } },
            doc! { "id": "bob", "name": "\u{2060}\u{0}" },
            doc! { "id": ["carl", "x y"], "name": "Carl" },
            doc! { "id": "dora", "name": "Dora" },
        ];
        users.insert_many(hosts).await.unwrap();
        let asked = people(&["ann", "bob", "carl", "dora"]);
        let known = store.profiles(&asked).await.unwrap();
        let names: Vec<_> =
            asked.iter().map(|user| known.get(user).map(|profile| profile.name.as_str())).collect();
        assert_eq!(names, [Some("ann"), Some("bob"), None, Some("Dora")]);
        assert!(known.values().all(|profile| profile.email.is_none() && profile.avatar.is_none()));
    })
    .await;
}

#[tokio::test]
async fn nobody_is_looked_for_by_a_field_of_the_host_without_an_index_and_the_operator_is_told() {
    run_with_uri(async |uri| {
        let users = users(uri).await;
        let crowd =
            (0..1_500).map(|n| doc! { "_id": format!("key{n}"), "id": format!("user{n}"), "name": "A" });
        users.insert_many(crowd).await.unwrap();
        let asked = people(&["user7", "key7", "nobody"]);
        let store = MongoStore::connect(uri).await.unwrap();
        let known = store.profiles(&asked).await.unwrap();
        assert_eq!(known.into_keys().collect::<Vec<_>>(), [asked[1].clone()]);
        assert!(store.warning().is_some_and(|warning| warning.contains("`users`")), "{:?}", store.warning());
        let by_id = IndexModel::builder().keys(doc! { "id": 1 }).build();
        users.create_index(by_id).await.unwrap();
        store.prepare().await.unwrap();
        let known = store.profiles(&asked).await.unwrap();
        assert!(known.contains_key(&asked[0]) && known.contains_key(&asked[1]) && known.len() == 2);
        assert_eq!(store.warning(), None);
    })
    .await;
}

#[tokio::test]
async fn a_host_says_which_field_holds_its_ids() {
    run_with_uri(async |uri| {
        users(uri).await.insert_one(doc! { "_id": "key", "id": "user", "name": "Ann" }).await.unwrap();
        let asked = people(&["key", "user"]);
        for (host_key, found) in [
            (HostKey::Either, vec![0, 1]),
            (HostKey::DatabaseId, vec![0]),
            (HostKey::OwnId, vec![1]),
            (HostKey::None, vec![]),
        ] {
            let options = MongoOptions { host_key, ..MongoOptions::default() };
            let known = MongoStore::open(uri, options).await.unwrap().profiles(&asked).await.unwrap();
            let seen: Vec<usize> = (0..2).filter(|i| known.contains_key(&asked[*i])).collect();
            assert_eq!(seen, found, "{host_key:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn no_page_of_a_segment_passes_over_the_hosts_object_ids_or_those_that_it_has_twice() {
    run_with_uri(async |uri| {
        let (store, users) = (MongoStore::connect(uri).await.unwrap(), users(uri).await);
        let objects: Vec<ObjectId> = (0..9_u8).map(|n| ObjectId::from_bytes([n; 12])).collect();
        users.insert_many(objects.iter().map(|object| doc! { "_id": object, "name": "A" })).await.unwrap();
        for (number, own) in ["b", "b", "c", "c", "d", "e"].into_iter().enumerate() {
            users.insert_one(doc! { "_id": format!("-{number}"), "id": own, "name": "A" }).await.unwrap();
        }
        // A text behind all hexadecimal digits, in another collection.
        let zoe =
            Profile { id: "zoe".parse().unwrap(), name: "Zoe".into(), avatar: None, email: None, role: None };
        store.put_profile(&zoe).await.unwrap();
        let mut expected: Vec<String> = objects.iter().map(|object| object.to_hex()).collect();
        expected.extend(["b", "c", "d", "e", "zoe"].map(str::to_owned));
        for limit in [1, 2, 3, 100] {
            let mut shown: Vec<UserId> = Vec::new();
            loop {
                let page = store.people(&Segment::Everybody, shown.last(), limit).await.unwrap();
                shown.extend_from_slice(&page);
                if page.len() < limit as usize {
                    break;
                }
            }
            assert_eq!(shown.iter().map(UserId::as_str).collect::<Vec<_>>(), expected, "{limit}");
        }
    })
    .await;
}

#[tokio::test]
async fn of_a_role_is_whoever_has_it_by_their_own_profile_or_by_the_hosts_if_they_have_none() {
    run_with_uri(async |uri| {
        let (store, users) = (MongoStore::connect(uri).await.unwrap(), users(uri).await);
        for id in ["ann", "ben", "cleo", "dan"] {
            users
                .insert_one(doc! { "_id": id, "id": Bson::Null, "name": "A", "role": "driver" })
                .await
                .unwrap();
        }
        for (id, role) in
            [("ann", None), ("ben", Some("cook")), ("cleo", Some("driver")), ("eve", Some("driver"))]
        {
            let role = role.map(str::to_owned);
            let profile =
                Profile { id: id.parse().unwrap(), name: "A".into(), avatar: None, email: None, role };
            store.put_profile(&profile).await.unwrap();
        }
        for limit in [1, 2, 100] {
            let mut shown: Vec<UserId> = Vec::new();
            loop {
                let role = Segment::Role("driver".to_owned());
                let page = store.people(&role, shown.last(), limit).await.unwrap();
                shown.extend_from_slice(&page);
                if page.len() < limit as usize {
                    break;
                }
            }
            assert_eq!(
                shown.iter().map(UserId::as_str).collect::<Vec<_>>(),
                ["cleo", "dan", "eve"],
                "{limit}"
            );
        }
    })
    .await;
}

#[tokio::test]
async fn a_segment_passes_over_exactly_the_users_of_the_host_who_cannot_sign_in() {
    run_with_uri(async |uri| {
        let (store, users) = (MongoStore::connect(uri).await.unwrap(), users(uri).await);
        let long = ["x".repeat(128), "é".repeat(64), "x".repeat(129), "é".repeat(65)];
        let texts = [
            "$a.b",
            "auth0|1",
            "a b",
            "%",
            "李",
            "a/../b",
            "...",
            ".a",
            "a ",
            " a",
            "",
            ".",
            "..",
            "a,b",
            "a\u{0}b",
            "a\nb",
            "a\n",
            "a\u{a0}b",
            "a\u{200b}",
            "\u{202e}a",
            "a\u{e0041}",
            "\u{ffff}",
        ];
        let texts: Vec<&str> = texts.into_iter().chain(long.iter().map(String::as_str)).collect();
        users.insert_many(texts.iter().map(|text| doc! { "_id": text, "name": "A" })).await.unwrap();
        users.insert_one(doc! { "_id": 7, "name": "A" }).await.unwrap();
        let mut expected: Vec<UserId> = texts.iter().filter_map(|text| text.parse().ok()).collect();
        expected.sort_unstable();
        let mut shown: Vec<UserId> = Vec::new();
        loop {
            // A page that is not full is the last.
            let page = store.people(&Segment::Everybody, shown.last(), 2).await.unwrap();
            shown.extend_from_slice(&page);
            if page.len() < 2 {
                break;
            }
        }
        assert_eq!(shown, expected);
        assert_eq!(shown.len(), 10);
    })
    .await;
}

async fn users(uri: &str) -> Collection<Document> {
    Client::with_uri_str(uri).await.unwrap().default_database().unwrap().collection("users")
}

fn people(ids: &[&str]) -> Vec<UserId> {
    ids.iter().map(|id| id.parse().unwrap()).collect()
}
