//! Templates: what they make of data, and what is said of mistakes in either.

use super::*;
use serde_json::json;

const SHIPPED: &str = r#"
    type = "order_update"
    title = "Order {{ order }} is on its way"
    message = "{% for item in items %}{{ item.name }}: {{ item.price }} {{ item.currency | upper }}\n{% endfor %}{{ note | default('') }}"

    [translations.de]
    title = "Bestellung {{ order }} ist unterwegs"
"#;

fn content(template: &str, data: serde_json::Value) -> SendContent {
    let serde_json::Value::Object(data) = data else { panic!("an object") };
    SendContent {
        kind: "general".to_owned(),
        title: String::new(),
        text: String::new(),
        data,
        thread_id: None,
        template: Some(template.to_owned()),
        translations: BTreeMap::new(),
    }
}

fn templates() -> NotificationTemplates {
    let mut templates = NotificationTemplates::default();
    templates.add("shipped", SHIPPED).unwrap();
    templates
}

#[test]
fn a_template_says_it_in_every_language_with_the_values_of_the_request() {
    let data: serde_json::Value = serde_json::from_str(
        r#"{"order": 7, "items": [{"name": "<b>{{ x }}</b>", "price": 12.50, "currency": "eur"}]}"#,
    )
    .unwrap();
    let mut filled = content("shipped", data.clone());
    templates().fill(&mut filled, false).unwrap();
    assert_eq!((filled.kind.as_str(), filled.title.as_str()), ("order_update", "Order 7 is on its way"));
    assert_eq!(filled.text, "<b>{{ x }}</b>: 12.50 EUR\n", "values are texts, never templates");
    let german = SendText { title: "Bestellung 7 ist unterwegs".to_owned(), text: String::new() };
    assert_eq!(filled.translations, BTreeMap::from([("de".to_owned(), german)]));
    let mut own = content("shipped", data);
    templates().fill(&mut own, true).unwrap();
    assert_eq!(own.kind, "general", "the request's own type counts");
}

#[test]
fn the_sentence_names_what_is_missing_or_does_not_fit() {
    let long = "x".repeat(500);
    for (template, data, message) in [
        ("shiped", json!({}), "template: there is no template shiped"),
        ("shipped", json!({"items": []}), "data.order is missing: the template shipped needs it"),
        ("shipped", json!({"order": 1}), "data.items is missing: the template shipped needs it"),
        (
            "shipped",
            json!({"order": 1, "items": [{"name": "a"}]}),
            "data does not fit message of the template shipped: undefined value; data has no note",
        ),
        (
            "shipped",
            json!({"order": long, "items": []}),
            "title of the template shipped must have 1 to 200 characters",
        ),
    ] {
        let refused = templates().fill(&mut content(template, data), false).unwrap_err();
        assert_eq!(refused.message, message);
    }
}

#[test]
fn a_mistake_in_a_file_is_found_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    std::fs::write(path.join("shipped.toml"), SHIPPED).unwrap();
    std::fs::write(path.join(".hidden"), "x").unwrap();
    let found = NotificationTemplates::in_folder(path).unwrap();
    assert_eq!(found.templates.keys().collect::<Vec<_>>(), ["shipped"]);
    for (source, named) in [
        ("title = 'a'\nmesage = 'b'", "template wrong: "),
        ("message = 'a'", "template wrong: "),
        ("title = '{{ a'", "template wrong: title: "),
        ("title = 'a'\n[translations.de]\ntitle = '{% if %}'", "template wrong: translations.de.title: "),
        ("title = 'a'\n[translations.german]\ntitle = 'b'", "translations.german is no language"),
        ("title = 'a'\ntype = 'A b'", "template wrong: type must match"),
        ("title = '{{ a | nothing }}'", "template wrong: title: "),
    ] {
        std::fs::write(path.join("wrong.toml"), source).unwrap();
        let error = NotificationTemplates::in_folder(path).unwrap_err();
        let cause = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
        assert!(format!("{error}: {cause}").contains(named), "{source}: {error}: {cause}");
    }
    std::fs::remove_file(path.join("wrong.toml")).unwrap();
    std::fs::write(path.join("wrong.tml"), "title = 'a'").unwrap();
    assert!(matches!(NotificationTemplates::in_folder(path), Err(TemplateError::Misnamed { .. })));
    let nowhere = NotificationTemplates::in_folder(&path.join("nowhere"));
    assert!(matches!(nowhere, Err(TemplateError::Unreadable { .. })));
}

#[test]
fn rendering_ends_however_much_the_request_brings() {
    let mut templates = NotificationTemplates::default();
    let nested = r#"
        title = "a"
        message = "{% for a in rows %}{% for b in rows %}{% for c in rows %}{{ '' }}{% endfor %}{% endfor %}{% endfor %}"
    "#;
    templates.add("nested", nested).unwrap();
    let mut filled = content("nested", json!({ "rows": vec![1; 2_000] }));
    assert_eq!(
        templates.fill(&mut filled, false).unwrap_err().message,
        "data is too much for message of the template nested: it takes more than 10000 steps"
    );
    let mut few = content("nested", json!({ "rows": vec![1; 8] }));
    templates.fill(&mut few, false).unwrap();
}
