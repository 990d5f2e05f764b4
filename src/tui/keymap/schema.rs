//! The JSON schema of keymaps, for editors: made from the tables that the reader uses.

use super::{Condition, Context, NAMES};
use crate::tui::action::Action;
use serde_json::{Map, Value, json};

/// Returns the schema; `keymaps/schema.json` holds it.
pub(crate) fn schema() -> Value {
    let named = |(name, help): (&str, &str)| json!({ "const": name, "description": help });
    let mut actions: Vec<Value> = vec![named(("none", "Nothing: what lies below is unbound"))];
    actions.extend(Action::ALL.iter().map(|action| named((action.name(), action.help()))));
    let conditions: Vec<Value> = Condition::ALL.iter().map(|one| named((one.name(), one.help()))).collect();
    let contexts = Context::ALL.iter().map(|(name, _)| ((*name).to_owned(), json!({ "$ref": "#/$defs/entries" })));
    let mut properties: Map<String, Value> = contexts.collect();
    let extends = json!({
        "type": "string",
        "description": "The keymap below: a shipped one, none, or the name of a file under keymaps/",
        "examples": NAMES,
        "default": "default",
    });
    properties.insert("schema".into(), json!({ "const": 1 }));
    properties.insert("name".into(), json!({ "type": "string" }));
    properties.insert("extends".into(), extends);
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A keymap of nightdesk",
        "type": "object",
        "additionalProperties": false,
        "properties": properties,
        "$defs": {
            "action": { "oneOf": actions },
            "actions": { "oneOf": [{ "$ref": "#/$defs/action" }, { "type": "array", "items": { "$ref": "#/$defs/action" } }] },
            "described": {
                "type": "object",
                "additionalProperties": false,
                "required": ["action"],
                "properties": {
                    "action": { "$ref": "#/$defs/actions" },
                    "desc": { "type": "string", "maxLength": 80 },
                    "when": { "oneOf": conditions },
                },
            },
            "entries": {
                "type": "object",
                "description": "Keys as ctrl- alt- shift- super- and a character or enter, esc, tab, space, up, f1; a space separates a sequence",
                "additionalProperties": {
                    "oneOf": [
                        { "$ref": "#/$defs/actions" },
                        { "$ref": "#/$defs/described" },
                        { "type": "array", "items": { "$ref": "#/$defs/described" } },
                    ],
                },
            },
        },
    })
}
