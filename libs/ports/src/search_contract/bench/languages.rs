//! Made-up languages: ten with letters and spaces, ten of other scripts, some of them without spaces.
//!
//! Words are made of syllables and are as frequent as in a language (Zipf).

use crate::store_contract::random::Random;

/// Words of a language.
pub(super) const WORDS: usize = 4_000;

/// Letters of ten scripts; each is used for two languages. The first five are written with spaces.
const SCRIPTS: [(&str, &str); 10] = [
    ("bcdfghklmnprst", "aeiou"),
    ("bdgjklmnpqrstvz", "aáeéioöuü"),
    ("бвгдзклмнпрст", "аеиоуы"),
    ("βγδζκλμνπρστ", "αεηιου"),
    ("بتجحدرسشعفقكلمن", "اوي"),
    ("कखगजटडतदनपबमयरलवसह", "ािीुेो"),
    ("กขคงจชดตทนบปพมยรลวส", "ะาิีุู"),
    ("かきくけこさしすせそたちつてと", "なにぬねのまみむめも"),
    ("天气今很好我你他们人中国学生时间大小", "上下来去说话看书工作家电车水火山口"),
    ("가나다라마바사아자차", "각난달람맙산앙작찬"),
];
/// Scripts from this one on are written without spaces, but the last.
const WITH_SPACES: usize = 6;

/// A language.
pub(super) struct Language {
    /// The most frequent first.
    pub(super) words: Vec<String>,
    space: &'static str,
}

impl Language {
    pub(super) fn new(n: usize, random: &mut Random) -> Self {
        let (first, second) = SCRIPTS[n % SCRIPTS.len()];
        let [first, second]: [Vec<char>; 2] = [first, second].map(|letters| letters.chars().collect());
        let pick = |letters: &[char], random: &mut Random| letters[random.below(letters.len())];
        let syllables: Vec<String> =
            (0..120).map(|_| String::from_iter([pick(&first, random), pick(&second, random)])).collect();
        let word = |random: &mut Random| {
            (0..=random.below(4)).map(|_| syllables[random.below(syllables.len())].as_str()).collect()
        };
        let has_spaces = n % SCRIPTS.len() < WITH_SPACES || n % SCRIPTS.len() == SCRIPTS.len() - 1;
        Self { words: (0..WORDS).map(|_| word(random)).collect(), space: if has_spaces { " " } else { "" } }
    }

    /// A word, the nth as often as 1/n.
    pub(super) fn word(&self, random: &mut Random) -> &str {
        // The distribution of Zipf, by its inverse: 0..1 to the power of words.
        let share = random.below(1 << 20) as f64 / f64::from(1 << 20);
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "it is 0 to the number of words"
        )]
        let rank = (WORDS as f64).powf(share) as usize;
        &self.words[rank.min(WORDS) - 1]
    }

    /// A text of 3 to 16 words.
    pub(super) fn text(&self, random: &mut Random) -> String {
        let words: Vec<&str> = (0..3 + random.below(14)).map(|_| self.word(random)).collect();
        words.join(self.space)
    }
}
