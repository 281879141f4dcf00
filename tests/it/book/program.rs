//! The preprocessor as a program, for a plain `mdbook build`.

use mdbook_preprocessor::{Preprocessor as _, PreprocessorContext};

use super::course::Course;

#[test]
fn it_answers_as_mdbook_asks() {
    let ask = |renderer: &str| {
        lab::book::preprocess(&["supports".into(), renderer.into()], std::io::empty(), std::io::sink())
            .expect("an answer")
    };
    assert!(ask("html"));
    assert!(!ask("epub"));

    let course = Course::printing("printed");
    let book = mdbook_driver::MDBook::load(course.path()).expect("a book");
    let context = PreprocessorContext::new(course.path().to_owned(), book.config.clone(), "html".to_owned());
    let input = serde_json::to_vec(&(&context, &book.book)).expect("JSON");
    let mut output = Vec::new();
    assert!(lab::book::preprocess(&[], input.as_slice(), &mut output).expect("an answer"));
    let own = lab::book::Lab::default().run(&context, book.book.clone()).expect("it is written");
    assert_eq!(serde_json::from_slice::<serde_json::Value>(&output).expect("JSON"), serde_json::json!(own));
}
