//! `idspool queue show`.

use std::io::Write;

use anyhow::{Context as _, Result};
use idspool_service::Exit;
use idspool_spool::Spool;
use serde_json::{Value, json};

use crate::format;
use crate::spools::{self, Queue};

/// Whether the value of a property is not for a terminal: secret, or of no use there.
pub(crate) fn is_hidden(property: &str) -> bool {
    property == "jpegPhoto" || property.to_ascii_lowercase().contains("password")
}

/// Prints the content of an item and the fault at it.
pub(crate) fn print(
    queues: &[Queue],
    item: &str,
    as_json: bool,
    out: &mut dyn Write,
) -> Result<Exit> {
    let (queue, name) = spools::find(queues, item, |queue| queue.folder.clone())?;
    let path = queue.folder.join(name.as_str());
    let text = std::fs::read_to_string(&path)
        .with_context(|| format!("failed to read {}", path.display()))?;
    let content = serde_json::from_str::<Value>(&text).map(shortened);
    let state = Spool::open(&queue.folder)?.state()?;
    let fault = Some(state).filter(|state| state.filename.as_deref() == Some(path.as_path()));
    if as_json {
        let shown = json!({
            "queue": queue.name, "item": name.as_str(), "path": path, "fault": fault,
            "content": content.as_ref().ok(), "invalid": content.as_ref().err().map(ToString::to_string),
        });
        writeln!(out, "{shown}")?;
        return Ok(Exit::Done);
    }
    writeln!(out, "{}", path.display())?;
    if let Some(fault) = &fault {
        writeln!(out, "faulty: {}", format::line(fault.message.as_deref().unwrap_or("unknown")))?;
        if let Some(remedy) = &fault.remedy {
            writeln!(out, "what to do: {}", format::line(remedy))?;
        }
    }
    match content {
        Ok(content) => writeln!(out, "{content:#}")?,
        Err(error) => writeln!(out, "not JSON: {error}\n{}", text.escape_debug())?,
    }
    Ok(Exit::Done)
}

fn shortened(mut content: Value) -> Value {
    if let Some(object) = content.get_mut("object").and_then(Value::as_object_mut) {
        for (_, value) in object.iter_mut().filter(|(name, _)| is_hidden(name)) {
            let length = value.as_str().map_or(0, str::len);
            *value = format!("({length} characters, not shown)").into();
        }
    }
    // The hashes of a user on its way to a school authority.
    for (_, value) in content
        .as_object_mut()
        .into_iter()
        .flatten()
        .filter(|(name, value)| is_hidden(name) && !value.is_null())
    {
        *value = "(not shown)".into();
    }
    content
}
