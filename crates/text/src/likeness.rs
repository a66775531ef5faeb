//! Names that look like others: people choose between names by looking at them. What is drawn alike, and what people
//! write at all, is Unicode's own data (Technical Standard 39), not a list of ours.

use std::{collections::BTreeSet, sync::LazyLock};

use unicode_normalization::{UnicodeNormalization as _, char::canonical_combining_class};
use unicode_properties::{
    GeneralCategory, GeneralCategoryGroup, UnicodeEmoji as _, UnicodeGeneralCategory as _,
    emoji::is_regional_indicator,
};
use unicode_security::{
    GeneralSecurityProfile as _, MixedScript as _, general_security_profile::IdentifierType,
    skeleton,
};

/// Signs of good typesetting. They are wider than those of ASCII, or bent, and people write them in names.
const TYPOGRAPHIC: [char; 9] = ['–', '—', '‘', '’', '“', '”', '«', '»', '·'];
/// Letters that Unicode would write as two, and Thai, Lao and Armenian do not.
const OF_TWO: [char; 3] = ['\u{e33}', '\u{eb3}', '\u{587}'];
/// The class of marks that are drawn through their letter.
const OVERLAY: u8 = 1;

/// Whether a name has words of more than one script, or letters, marks or signs that are drawn as others, or that
/// nobody writes today.
pub fn looks_like_another(name: &str) -> bool {
    if name.is_ascii() {
        return false;
    }
    let words: Vec<&str> =
        name.split(|c| !is_of_words(c)).filter(|word| !word.is_empty()).collect();
    if !words
        .iter()
        .all(|word| word.is_single_script() && word.chars().all(is_in_use) && shows_marks(word))
    {
        return true;
    }
    // Together with a Latin letter, only what is Latin or of every script is still of one.
    let (latin, other): (Vec<&str>, Vec<&str>) =
        words.into_iter().partition(|word| is_of_one_script(word, 'a'));
    // Such as the Turkish letter that is drawn as an i, but not those that are a Latin letter with a mark.
    if latin.iter().any(|word| word.chars().any(is_drawn_as_ascii)) {
        return true;
    }
    let is_disguised = |sign| is_disguise(sign) && !is_at_home(sign, &other);
    if name.chars().filter(|c| !is_of_words(*c)).any(is_disguised) || has_half_a_flag(name) {
        return true;
    }
    let is_drawn_as_latin = |word: &&str| skeleton(word).all(|c| c.is_ascii());
    if latin.is_empty() {
        !other.is_empty() && other.iter().all(is_drawn_as_latin)
    } else {
        other.iter().any(is_drawn_as_latin)
    }
}

fn is_of_words(c: char) -> bool {
    c.is_alphanumeric() || c.general_category_group() == GeneralCategoryGroup::Mark
}

fn is_of_one_script(text: &str, c: char) -> bool {
    format!("{text}{c}").is_single_script()
}

/// Letters, digits and marks of languages that are written today, in their usual form: no signs of phonetics, no
/// scripts of the past, no letters in circles.
fn is_in_use(c: char) -> bool {
    c.identifier_allowed()
        || c.identifier_type() == Some(IdentifierType::Limited_Use)
        || OF_TWO.contains(&c)
}

/// Whether every mark stands on a letter, can be told from the letter alone, and from the same mark once more.
fn shows_marks(word: &str) -> bool {
    let mut letter = None;
    let mut before = None;
    word.nfd().all(|c| {
        if c.general_category_group() != GeneralCategoryGroup::Mark {
            (letter, before) = (Some(c), None);
            return true;
        }
        let is_once = before.replace(c) != Some(c);
        // A letter that has a dot does not show another.
        let is_dotted = letter.is_some_and(|letter| matches!(drawn(letter).as_str(), "i" | "j"));
        let is_seen = canonical_combining_class(c) != OVERLAY && !(c == '\u{307}' && is_dotted);
        letter.is_some_and(char::is_alphabetic) && is_once && is_seen
    })
}

fn drawn(c: char) -> String {
    skeleton(c.encode_utf8(&mut [0; 4])).collect()
}

/// What the letters and signs of ASCII are drawn as.
static ASCII: LazyLock<BTreeSet<String>> = LazyLock::new(|| ('!'..='~').map(drawn).collect());
/// The same with the signs of good typesetting.
static USUAL: LazyLock<BTreeSet<String>> =
    LazyLock::new(|| ('!'..='~').chain(TYPOGRAPHIC).map(drawn).collect());

/// A character whose place one of ASCII could take without anybody seeing it.
fn is_drawn_as_ascii(c: char) -> bool {
    !c.is_ascii() && ASCII.contains(&drawn(c))
}

/// A sign, such as one of the many hyphens, that is drawn as a usual one, is of a script, or seldom to be seen at all.
fn is_disguise(c: char) -> bool {
    if c.is_ascii() || TYPOGRAPHIC.contains(&c) {
        return false;
    }
    let is_rare = c > '\u{ffff}' && !c.is_emoji_char() && !is_regional_indicator(c);
    let is_framed = matches!(c, '\u{1f100}'..='\u{1f1ff}') && !is_regional_indicator(c);
    let is_line = matches!(
        c.general_category(),
        GeneralCategory::DashPunctuation | GeneralCategory::ConnectorPunctuation
    );
    // Of a small minus or three dots in one, it counts what they are made of.
    let is_usual = |c: char| c.is_ascii() || USUAL.contains(&drawn(c));
    is_rare
        || is_framed
        || is_line
        || is_usual(c)
        || c.nfkc().all(is_usual)
        || !is_of_one_script("a", c)
}

/// Whether a sign is beside words of its own script, or as wide as the letters of East Asia and beside those.
fn is_at_home(sign: char, words: &[&str]) -> bool {
    let is_special = matches!(sign, '\u{ff00}'..='\u{ff60}') || !is_of_one_script("a", sign);
    is_special && words.iter().any(|word| is_of_one_script(word, sign))
}

/// Letters in frames, of which two are a flag, spell words otherwise.
fn has_half_a_flag(name: &str) -> bool {
    let letters = name.split(|c| !is_regional_indicator(c)).map(|letters| letters.chars().count());
    !letters.into_iter().all(|count| matches!(count, 0 | 2))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_of_all_languages_that_are_written_today_are_taken() {
        let names = "Überblick | équipe | Yazar | Łódź | Kære | Ærø | groß | đồng | Œuvre | İstanbul | \
             Þórshöfn | Čeština | Việt Nam | g\u{303}uarani | ọ\u{301}jọ\u{301} | col·lecció | \
             ə\u{301} | Кириллица | Їжак | Ελληνικά | ქართული | Հայերեն և | 日本語 | コンピューター | 佐々木 | \
             中文 | 한국어 | हिन्दी | বাংলা | தமிழ் | తెలుగు | ಕನ್ನಡ | മലയാളം | ગુજરાતી | ਪੰਜਾਬੀ | \
             සිංහල | ไทย น้ำ | ລາວ ນ້ຳ | ខ្មែរ | မြန်မာ | བོད་ཡིག | العربية | فارسی | עברית | አማርኛ | \
             ᏣᎳᎩ | ߒߞߏ | ދިވެހި | Команда EU | Команда ЕС | 東京 net | قسم IT | prod-123-日本";
        for name in names.split(" | ") {
            let name: String = name.nfc().collect();
            assert_eq!(crate::line(&name), None, "{name}");
            assert!(!looks_like_another(&name), "{name}");
        }
    }

    #[test]
    fn letters_that_are_drawn_as_others_do_not_pass_for_them() {
        let names = "adm\u{131}n | \u{131}dea | pro\u{501} | \u{251}dmin | \u{261}rid | own\u{435}rs | \
             \u{43e}\u{440}\u{435}-prod | prod \u{430}\u{441}\u{435} | wörk \u{430}\u{441}\u{435} | \
             \u{ff4f}ne | net\u{1c3}x | net\u{1c0}x | net\u{2d0}x | net\u{2d1}x | x\u{2ee}y | \
             x\u{a78c}y | x\u{2bc}y | x\u{2bb}y | x\u{2cb}y | x\u{2b9}y | x\u{2c8}y | x\u{2b0}y | \
             x \u{2bc} y | \u{1f170} | \u{1f130}DMIN | \u{24b6} | \u{1681}\u{1682} | x \u{1681} | \
             \u{10330} | x\u{2071} | \u{455}\u{441}\u{43e}\u{440}\u{435} | \
             \u{13aa}\u{13a2}\u{13da}";
        for name in names.split(" | ") {
            assert!(looks_like_another(name), "{name} {}", name.escape_unicode());
        }
    }

    #[test]
    fn marks_that_cannot_be_seen_or_stand_on_nothing_are_refused() {
        let names = "admi\u{307}n | adm\u{1ecb}\u{307}n | j\u{307} | adm\u{338}in | a\u{334} | a\u{335} | \
             a\u{336} | a\u{337} | 1\u{20e3} | a\u{20dd} | a\u{20d2} | prod-\u{300}x | \u{300}x | \
             1\u{300} | ⚠\u{332} | g\u{303}\u{303} | \u{e0}\u{300} | \u{456}\u{307}\u{434}\u{434}";
        for name in names.split(" | ") {
            assert!(looks_like_another(name), "{name} {}", name.escape_unicode());
        }
    }

    #[test]
    fn signs_and_emoji_are_taken_as_far_as_they_are_what_they_look_like() {
        let names = "prod – blue | prod — blue | l’équipe | “prod” | «prod» | 10 € | £5 | a → b | a ↔ b | \
             ⚠ 🚀 | 🚀 launch | a · b | § 5 | 📦 apps | 🔥 | 🌙 🐍 🏢 🍎 | ■ ▸ ○ ● | 20 ℃ | ✅ done | ★ ☆ | \
             ✓ | 🇪🇺 west | 🇩🇪 | 👍🏽 | 20 °C | ±5 | © acme | ¿qué? | چین\u{6d4} ایران | \
             ועדת מו\u{5f4}מ | チーム\u{ff08}東京\u{ff09} | 東京\u{3001}大阪 | أ، ب | 东京・大阪 | हिन्दी।";
        for name in names.split(" | ") {
            assert!(!looks_like_another(name), "{name} {}", name.escape_unicode());
        }
    }

    #[test]
    fn signs_that_are_drawn_as_others_do_not_pass_for_them() {
        let signs = "\u{2010}\u{2011}\u{2012}\u{2015}\u{2212}\u{2796}\u{2d7}\u{ff0d}\u{fe63}\u{2024}\
             \u{2026}\u{2044}\u{2215}\u{2236}\u{a789}\u{2217}\u{201a}\u{2039}\u{b4}\u{2032}\
             \u{223c}\u{2223}\u{37e}\u{6d4}\u{ff08}\u{d7}\u{207b}\u{2027}\u{2219}\u{22c5}\u{2e3a}\
             \u{2e3b}\u{60c}\u{3001}\u{1f1e6}\u{1f18e}\u{1d159}\u{1fbfa}\u{1d100}\u{203f}";
        for sign in signs.chars() {
            for name in [format!("prod{sign}blue"), format!("prod {sign} blau")] {
                assert!(looks_like_another(&name), "{name} {}", sign.escape_unicode());
            }
        }
        assert!(looks_like_another("🇦🇩🇲🇮🇳🇸"));
    }

    proptest! {
        #[test]
        fn whatever_is_taken_beside_latin_letters_is_not_drawn_as_ascii(c in any::<char>(), before in "[a-z]{0,3}", text in "\\PC{0,8}") {
            looks_like_another(&text);
            let name = format!("{before}{c}x");
            if !c.is_ascii() && !TYPOGRAPHIC.contains(&c) && crate::line(&name).is_none() && !looks_like_another(&name) {
                prop_assert!(!is_drawn_as_ascii(c), "{}", c.escape_unicode());
                prop_assert!(c.nfkc().any(|c| !c.is_ascii()), "{}", c.escape_unicode());
            }
        }
    }
}
