//! A document as a tree, read by other code than the crate's own scanner.

use quick_xml::events::Event;

/// An element with its text and its children, attributes aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Element {
    pub(crate) name: String,
    pub(crate) text: String,
    pub(crate) children: Vec<Element>,
}

impl Element {
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Element> {
        self.children.iter().filter(move |child| child.name == name)
    }

    pub(crate) fn text_of(&self, name: &str) -> Option<&str> {
        let found = self.children.iter().find(|child| child.name == name);
        found.map(|child| child.text.as_str())
    }
}

/// Reads a whole document into a tree.
pub(crate) fn dom(document: &[u8]) -> Element {
    let text = std::str::from_utf8(document).expect("a document is UTF-8");
    let mut reader = quick_xml::Reader::from_str(text);
    reader.config_mut().expand_empty_elements = true;
    let mut open = vec![Element {
        name: String::new(),
        text: String::new(),
        children: Vec::new(),
    }];
    loop {
        match reader.read_event().expect("a document is well-formed") {
            Event::Start(tag) => {
                let name = tag.name();
                let name: &str = name.as_ref();
                open.push(Element {
                    name: name.into(),
                    text: String::new(),
                    children: Vec::new(),
                });
            }
            Event::End(_) => {
                let mut done = open.pop().unwrap();
                if !done.children.is_empty() {
                    done.text.clear();
                }
                open.last_mut().unwrap().children.push(done);
            }
            Event::Text(text) => open.last_mut().unwrap().text.push_str(&text),
            Event::GeneralRef(name) => {
                let found = match name.resolve_char_ref().unwrap() {
                    Some(found) => found,
                    None => match &*name {
                        "amp" => '&',
                        "lt" => '<',
                        "gt" => '>',
                        "quot" => '"',
                        "apos" => '\'',
                        other => panic!("unknown entity {other}"),
                    },
                };
                open.last_mut().unwrap().text.push(found);
            }
            Event::Eof => return open.pop().unwrap().children.pop().expect("a root"),
            _ => {}
        }
    }
}
