//! Module cycles: a crate has none, because modules that need each other cannot be read, tested or moved
//! apart.
//!
//! A file needs another file whose items it names. A parent that only re-exports an item of its child
//! (`pub use child::Item`) does not need the child. A file that uses `parent::Item` needs the file that
//! defines the item.

use crate::imports::{Import, defines, imports};
use crate::repository::{SourceFile, files_below, read};
use std::collections::{BTreeMap, BTreeSet};
use toml::Table;

/// Packages for tests, which nobody reads from top to bottom.
const FOR_TESTS: [&str; 2] = ["tests", "tests/load"];
/// Crates that still have cycles; the list may only become shorter.
const NOT_YET: [&str; 0] = [];
/// Limit of re-exports that a name may pass, because a cycle of re-exports would never end.
const HOPS_MAX: usize = 8;

#[test]
fn modules_of_a_crate_form_no_circles() {
    let circles: Vec<String> = crates().iter().flat_map(|folder| Crate::read(folder).circles()).collect();
    assert!(
        circles.is_empty(),
        "move what these files share into a module of its own:\n{}",
        circles.join("\n")
    );
}

/// The modules of one crate that are compiled in production.
struct Crate {
    modules: BTreeMap<Vec<String>, Module>,
}

struct Module {
    file: SourceFile,
    imports: Vec<Import>,
}

impl Crate {
    fn read(folder: &str) -> Self {
        let root = format!("{folder}/src/");
        let files = files_below(&root).into_iter().filter(|file| file.has_extension("rs"));
        let modules = files.filter_map(|file| {
            let path = module_path(file.path.strip_prefix(&root)?)?;
            let imports = imports(&file.text);
            Some((path, Module { file, imports }))
        });
        Self { modules: modules.collect() }
    }

    /// Each cycle as its files and the names that tie them.
    fn circles(&self) -> Vec<String> {
        let arrows = self.arrows();
        let reaches: BTreeMap<_, _> =
            self.modules.keys().map(|from| (from, reachable(from, &arrows))).collect();
        let mut told = BTreeSet::new();
        let mut circles = Vec::new();
        for from in self.modules.keys() {
            let circle: BTreeSet<_> =
                reaches[from].iter().copied().filter(|other| reaches[*other].contains(from)).collect();
            if circle.len() > 1 && told.insert(circle.clone()) {
                circles.push(self.tell(&circle, &arrows));
            }
        }
        circles
    }

    fn tell(&self, circle: &BTreeSet<&Vec<String>>, arrows: &Arrows<'_>) -> String {
        let inside = arrows.iter().filter(|((from, to), _)| circle.contains(from) && circle.contains(to));
        let lines = inside.map(|((from, to), names)| {
            let names: Vec<&str> = names.iter().copied().collect();
            format!(
                "  {} needs {} of {}",
                self.modules[*from].file.path,
                names.join(", "),
                self.modules[*to].file.path
            )
        });
        format!("a circle of {} files:\n{}", circle.len(), lines.collect::<Vec<_>>().join("\n"))
    }

    /// Which module needs which other one, and which names of it.
    fn arrows(&self) -> Arrows<'_> {
        let mut arrows = Arrows::new();
        for (from, module) in &self.modules {
            for import in &module.imports {
                let Some(to) = self.definer(from, &import.path, HOPS_MAX) else { continue };
                let hands_on = import.is_reexport && to.starts_with(from);
                if to != from && !hands_on {
                    arrows.entry((from, to)).or_default().insert(import.name.as_str());
                }
            }
        }
        arrows
    }

    /// The module that defines `path` as it stands in the module `from`; `None` for another crate.
    fn definer(&self, from: &[String], path: &[String], hops: usize) -> Option<&Vec<String>> {
        let absolute = self.absolute(from, path)?;
        let mut depth = 0;
        while depth < absolute.len() && self.modules.contains_key(&absolute[..=depth]) {
            depth += 1;
        }
        let (place, module) = self.modules.get_key_value(&absolute[..depth])?;
        let Some(name) = absolute.get(depth).filter(|_| hops > 0) else { return Some(place) };
        let handed_on = module.imports.iter().find_map(|import| {
            let is_it = import.name == *name && !defines(&module.file.text, name);
            is_it.then(|| self.definer(place, &import.path, hops - 1)).flatten()
        });
        Some(handed_on.or_else(|| self.by_glob(place, module, name, hops)).unwrap_or(place))
    }

    /// The module whose items `module` re-exports with a glob, if `name` is one of them.
    fn by_glob(&self, place: &[String], module: &Module, name: &str, hops: usize) -> Option<&Vec<String>> {
        let globs = module.imports.iter().filter(|import| import.name == "*" && import.is_reexport);
        globs.into_iter().find_map(|glob| {
            let to = self.definer(place, &glob.path[..glob.path.len() - 1], hops - 1)?;
            defines(&self.modules[to].file.text, name).then_some(to)
        })
    }

    /// A path from the crate's root; `None` for a path that begins with another crate's name.
    fn absolute(&self, from: &[String], path: &[String]) -> Option<Vec<String>> {
        let mut base = from.to_vec();
        let mut rest = path;
        match path.first()?.as_str() {
            "crate" => {
                base.clear();
                rest = &path[1..];
            }
            "self" => rest = &path[1..],
            "super" => {
                while rest.first().is_some_and(|segment| segment == "super") {
                    base.pop()?;
                    rest = &rest[1..];
                }
            }
            first => {
                let child = [from, &[first.to_owned()]].concat();
                self.modules.get(&child)?;
            }
        }
        base.extend_from_slice(rest);
        Some(base)
    }
}

/// From one module to another: the names that the first uses of the second.
type Arrows<'a> = BTreeMap<(&'a Vec<String>, &'a Vec<String>), BTreeSet<&'a str>>;

/// Every module that can be reached from this one.
fn reachable<'a>(from: &'a Vec<String>, arrows: &Arrows<'a>) -> BTreeSet<&'a Vec<String>> {
    let mut found = BTreeSet::new();
    let mut next = vec![from];
    while let Some(place) = next.pop() {
        let beyond = arrows.keys().filter(|(start, _)| *start == place).map(|(_, end)| *end);
        next.extend(beyond.filter(|end| found.insert(*end)));
    }
    found
}

/// The module of a file below `src`; `None` for a binary and for code that only tests compile.
fn module_path(file: &str) -> Option<Vec<String>> {
    let segments: Vec<&str> = file.strip_suffix(".rs")?.split('/').collect();
    let is_for_tests = segments.iter().any(|segment| *segment == "tests" || *segment == "testing");
    let (last, folders) = segments.split_last()?;
    if is_for_tests || *last == "main" || folders.first() == Some(&"bin") {
        return None;
    }
    let mut path: Vec<String> = folders.iter().map(|folder| (*folder).to_owned()).collect();
    if *last != "lib" && *last != "mod" {
        path.push((*last).to_owned());
    }
    Some(path)
}

/// Folders of the packages of the workspace.
fn crates() -> Vec<String> {
    let workspace: Table = read("Cargo.toml").parse().expect("the workspace's manifest is TOML");
    let members = workspace["workspace"]["members"].as_array().expect("the workspace has members");
    let folders = members.iter().filter_map(toml::Value::as_str);
    folders
        .filter(|folder| !FOR_TESTS.contains(folder) && !NOT_YET.contains(folder))
        .map(str::to_owned)
        .collect()
}
