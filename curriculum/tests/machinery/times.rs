//! How long a text takes.

use curriculum::times::{Measure, Words};

const CHAPTER: &str = "# Two words

Three more words | - |

![A picture, in words](box.svg)

```console after
$ not counted, but tried
```
```text
not counted at all
```

<details><summary>A question?</summary>

An answer.

</details>

## A choice (optional)

No word of it counts, nor what is tried.

```console after
$ not counted
```

## Go on

Word.
";

#[test]
fn words_outside_of_fences_and_transcripts_count() {
    let measure = Measure::chapter(CHAPTER);
    // Marks such as `#`, `|` and `-` are no words, nor is what begins with a tag.
    let expected = Measure {
        words: 11,
        trials: 1,
        lines: 0,
    };
    assert_eq!(measure, expected);
}

const LESSON: &str = "# Two words

## What you build

![A picture that is described
for those who do not see it](pictures/it.svg)
Four words before it.

```text
not counted at all
```

## Your task

1. One.

   <details><summary>Hint: not outside</summary>

   Two words.
   </details>

## Further reading

- Three of them

On to the next level.
";

#[test]
fn a_lessons_words_are_counted_by_where_they_stand() {
    let expected = Words {
        before_task: 9,
        outside_hints: 23,
        in_hints: 4,
        in_reading: 3,
    };
    assert_eq!(Words::of(LESSON), expected);
}

#[test]
fn minutes_are_rounded_up_to_five() {
    let of = |words, trials, lines| {
        let measure = Measure {
            words,
            trials,
            lines,
        };
        measure.minutes()
    };
    assert_eq!(of(0, 0, 0), 0);
    assert_eq!(of(1, 0, 0), 5);
    assert_eq!(of(500, 0, 0), 5);
    assert_eq!(of(501, 0, 0), 10);
    assert_eq!(of(1000, 3, 7), 20);
}
