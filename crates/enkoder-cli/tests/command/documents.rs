//! The documentation holds together: what it links to is there.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Folders that hold no documents of the project.
const LEFT_OUT: [&str; 3] = ["target", ".git", "node_modules"];

#[test]
fn every_link_in_the_documents_leads_to_a_file_and_a_heading_that_are_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap();
    let mut documents = Vec::new();
    collect(&root, &mut documents);
    assert!(documents.iter().any(|document| document.ends_with("README.md")), "no documents in {}", root.display());

    let mut broken = Vec::new();
    for document in &documents {
        let text = fs::read_to_string(document).unwrap();
        for link in links(&text) {
            if link.contains("://") || link.starts_with("mailto:") {
                continue;
            }
            let (path, heading) = link.split_once('#').unwrap_or((link, ""));
            let target = if path.is_empty() { document.clone() } else { document.parent().unwrap().join(path) };
            let leads = target.exists()
                && (heading.is_empty() || headings(&fs::read_to_string(&target).unwrap_or_default()).contains(heading));
            if !leads {
                broken.push(format!("{}: {link}", document.strip_prefix(&root).unwrap().display()));
            }
        }
    }
    assert!(broken.is_empty(), "links that lead nowhere:\n{}", broken.join("\n"));
}

#[test]
fn the_site_has_every_page_of_docs_and_no_link_leads_out_of_it() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").canonicalize().unwrap();
    let summary = docs.join("SUMMARY.md");
    let listed: HashSet<PathBuf> =
        links(&fs::read_to_string(&summary).unwrap()).into_iter().map(|link| docs.join(link)).collect();
    let mut pages = Vec::new();
    collect(&docs, &mut pages);
    pages.retain(|page| *page != summary);
    let mut wrong = Vec::new();
    for page in &pages {
        let name = page.strip_prefix(&docs).unwrap().display();
        if !listed.contains(page) {
            wrong.push(format!("{name} is not in SUMMARY.md"));
        }
        for link in links(&fs::read_to_string(page).unwrap()) {
            let path = link.split('#').next().unwrap_or_default();
            if path.is_empty() || path.contains("://") || path.starts_with("mailto:") {
                continue;
            }
            let target = page.parent().unwrap().join(path);
            // What is not there, another test says.
            let Ok(target) = target.canonicalize() else { continue };
            let shown = target.extension().is_none_or(|extension| extension != "md") || listed.contains(&target);
            if !target.starts_with(&docs) || !shown {
                wrong.push(format!("{name} links to {link}, which the site does not have"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn collect(folder: &Path, documents: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let (path, name) = (entry.path(), entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            if !LEFT_OUT.iter().any(|left_out| name == *left_out) {
                collect(&path, documents);
            }
        } else if path.extension().is_some_and(|extension| extension == "md") {
            documents.push(path);
        }
    }
}

/// What stands in the parentheses of `[words](link)`, outside of code.
fn links(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut is_code = false;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            is_code = !is_code;
        }
        if is_code || line.starts_with("    ") {
            continue;
        }
        let mut rest = line;
        while let Some(at) = rest.find("](") {
            rest = &rest[at + 2..];
            let Some(end) = rest.find(')') else { break };
            found.push(rest[..end].trim());
            rest = &rest[end..];
        }
    }
    found
}

/// The anchors of a document's headings, as GitHub and mdBook make them.
fn headings(text: &str) -> HashSet<String> {
    text.lines()
        .filter(|line| line.starts_with('#'))
        .map(|line| {
            let words = line.trim_start_matches('#').trim().to_lowercase();
            words
                .chars()
                .filter(|&letter| letter.is_alphanumeric() || letter == ' ' || letter == '-' || letter == '_')
                .map(|letter| if letter == ' ' { '-' } else { letter })
                .collect()
        })
        .collect()
}
