//! How long Claude Code keeps its logs: `cleanupPeriodDays` of its `settings.json`, 30 if it is not set.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

const DEFAULT_DAYS: u32 = 30;
/// No settings file is longer than this, in bytes.
const LIMIT: u64 = 1 << 20;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Settings {
    cleanup_period_days: Option<u32>,
}

/// The shortest time for which any of the configurations keeps its logs. `roots` are their `projects` folders.
pub(super) fn keeps_days(roots: &[PathBuf]) -> u32 {
    let configured = roots.iter().filter(|root| root.is_dir()).filter_map(|root| root.parent());
    configured.map(|folder| configured_days(folder).unwrap_or(DEFAULT_DAYS)).min().unwrap_or(DEFAULT_DAYS)
}

fn configured_days(folder: &Path) -> Option<u32> {
    let path = folder.join("settings.json");
    let metadata = fs::metadata(&path).ok().filter(|metadata| metadata.is_file() && metadata.len() <= LIMIT)?;
    let text = fs::read(&path).ok().filter(|text| text.len() as u64 <= metadata.len().max(LIMIT))?;
    serde_json::from_slice::<Settings>(&text).ok()?.cleanup_period_days
}

#[cfg(test)]
mod tests {
    use super::*;

    fn days(settings: Option<&str>) -> u32 {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("projects");
        fs::create_dir(&root).unwrap();
        if let Some(settings) = settings {
            fs::write(folder.path().join("settings.json"), settings).unwrap();
        }
        keeps_days(&[root])
    }

    #[test]
    fn the_setting_counts_and_thirty_days_are_the_default() {
        assert_eq!(days(None), 30);
        assert_eq!(days(Some(r#"{"cleanupPeriodDays": 99999, "theme": "dark"}"#)), 99_999);
        assert_eq!(days(Some(r#"{"theme": "dark"}"#)), 30);
        assert_eq!(days(Some("not JSON")), 30);
    }
}
