//! Claims beyond the questions that were asked: seeds and questions both drawn by chance, or
//! questions alone.

use super::{binomial_of, expected, logistic, normal};
use assay_core::beyond::seeds_and_questions;
use assay_core::over_questions::{Method, bootstrap, of_shares};
use assay_core::rng::{Stream, Uniform};
use assay_core::stats::{Interval, mean, t_interval};

/// Samples of each question.
const SAMPLES: u32 = 8;

/// Standard deviations on the logit scale. All centres are zero, so that the mean accuracy over
/// all seeds and questions there could be is a half, and the difference of two arms nothing.
#[derive(Debug, Clone, Copy)]
struct Exam {
    /// Of training seeds; half of the variance is the base's, which both arms share.
    seeds: f64,
    /// Of questions, for every policy alike.
    difficulty: f64,
    /// Of what one arm's policies find hard and the other's do not.
    taste: f64,
}

/// Questions hardly differ.
const OF_SEEDS: Exam = Exam {
    seeds: 0.5,
    difficulty: 0.0,
    taste: 0.0,
};
/// A small benchmark: its questions carry most of the luck.
const OF_QUESTIONS: Exam = Exam {
    seeds: 0.4,
    difficulty: 1.5,
    taste: 1.0,
};

/// Shares of right samples: seeds in rows, questions in columns.
type Cells = Vec<Vec<f64>>;

impl Exam {
    /// One arm, and its difference to the other.
    fn sat(self, seeds: usize, questions: usize, stream: &mut Stream) -> (Cells, Cells) {
        let mut of_questions: Vec<[f64; 2]> = vec![];
        for _ in 0..questions {
            let both = self.difficulty * normal(stream);
            let one = both + self.taste * normal(stream);
            of_questions.push([one, both + self.taste * normal(stream)]);
        }
        let half = self.seeds * 0.5_f64.sqrt();
        let (mut own, mut difference): (Cells, Cells) = (vec![], vec![]);
        for _ in 0..seeds {
            let base = half * normal(stream);
            let one = base + half * normal(stream);
            let other = base + half * normal(stream);
            let (mut row, mut less) = (vec![], vec![]);
            for easy in &of_questions {
                let a = share(one + easy[0], stream);
                row.push(a);
                less.push(a - share(other + easy[1], stream));
            }
            own.push(row);
            difference.push(less);
        }
        (own, difference)
    }
}

/// Of the samples of one question by one model.
fn share(skill: f64, stream: &mut Stream) -> f64 {
    share_of(SAMPLES, skill, stream)
}

fn share_of(samples: u32, skill: f64, stream: &mut Stream) -> f64 {
    f64::from(binomial_of(samples, logistic(skill), stream)) / f64::from(samples)
}

/// An interval that is not printed holds nothing.
fn holds(of: Option<Interval>, truth: f64) -> u32 {
    u32::from(of.is_some_and(|of| of.low <= truth && truth <= of.high))
}

/// How often intervals hold the truth: of a mean and a difference over seeds and questions, then
/// of the same over seeds alone.
fn coverage(exam: Exam, seeds: usize, questions: usize, draws: u32) -> [f64; 4] {
    let name = format!("questions, {exam:?}");
    let mut stream = Uniform::new(seeds as u64, &name).stream(questions as u32, draws);
    let mut hits = [0; 4];
    for _ in 0..draws {
        let (own, difference) = exam.sat(seeds, questions, &mut stream);
        for (i, (cells, truth)) in [(own, 0.5), (difference, 0.0)].iter().enumerate() {
            let of_seeds: Vec<f64> = cells.iter().map(|row| mean(row)).collect();
            hits[i] += holds(seeds_and_questions(cells, 0.05), *truth);
            hits[i + 2] += holds(t_interval(&of_seeds, 0.05), *truth);
        }
    }
    hits.map(|hit| f64::from(hit) / f64::from(draws))
}

#[test]
fn over_seeds_and_questions_the_truth_is_held_as_often_as_is_said() {
    for n in [3, 5, 10] {
        let [mean, difference, ..] = coverage(OF_SEEDS, n, 30, 4_000);
        for (what, share) in [("mean", mean), ("difference", difference)] {
            assert!(
                (0.93..=0.97).contains(&share),
                "{n} seeds, {what}: {share:.3}"
            );
        }
    }
}

#[test]
fn where_questions_carry_the_luck_seeds_alone_say_too_much_and_both_are_cautious() {
    let [mean, difference, alone, of_seeds] = coverage(OF_QUESTIONS, 10, 30, 2_000);
    for (what, share) in [("mean", mean), ("difference", difference)] {
        assert!((0.94..=0.985).contains(&share), "{what}: {share:.3}");
    }
    // For the next thirty questions, three or four in ten of these intervals are wrong.
    assert!(alone < 0.75 && of_seeds < 0.8, "{alone:.3} {of_seeds:.3}");
    // With few seeds the t of (seeds - 1) degrees of freedom is far too careful.
    let [mean, difference, ..] = coverage(OF_QUESTIONS, 3, 30, 1_000);
    assert!(
        mean > 0.97 && difference > 0.97,
        "{mean:.3} {difference:.3}"
    );
}

#[test]
fn over_questions_alone_the_bootstrap_holds_what_these_models_can() {
    let mut stream = Uniform::new(1, "questions, fixed models").stream(0, 0);
    let draws = 1_200;
    let mut hits = 0;
    for _ in 0..draws {
        // One policy whose truth over all questions is a half.
        let mut shares = vec![];
        for _ in 0..100 {
            let easy = 1.5 * normal(&mut stream);
            shares.push(share(easy, &mut stream));
        }
        hits += holds(bootstrap(&shares, 0.05), 0.5);
    }
    let share = f64::from(hits) / f64::from(draws);
    assert!((0.93..=0.97).contains(&share), "{share:.3}");
}

/// Standard deviation of how hard questions are, on the logit scale.
const HARDNESS: f64 = 1.5;

/// One trained model, whose share of right answers over all questions there could be is `truth`.
#[derive(Debug, Clone, Copy)]
struct Fixed {
    truth: f64,
    /// Of each question.
    samples: u32,
    questions: u32,
}

/// Shares of draws: whose printed interval over questions holds the truth, the same of the
/// bootstrap where there was something to draw again, and in which Wilson's was printed.
#[derive(Debug, Clone, Copy)]
struct Printed {
    held: f64,
    held_by_bootstrap: f64,
    wilson: f64,
}

impl Fixed {
    /// The centre of its skill on the logit scale.
    fn centre(self) -> f64 {
        let (mut low, mut high) = (-10.0, 20.0);
        for _ in 0..60 {
            let middle = 0.5 * (low + high);
            if expected(|z| logistic(middle + HARDNESS * z)) < self.truth {
                low = middle;
            } else {
                high = middle;
            }
        }
        low
    }

    fn printed(self, draws: u32) -> Printed {
        let centre = self.centre();
        let name = format!("questions alone, {self:?}");
        let mut stream = Uniform::new(self.questions.into(), &name).stream(2, draws);
        let (mut held, mut by_bootstrap, mut wilson) = (0, 0, 0);
        for _ in 0..draws {
            let mut shares = vec![];
            for _ in 0..self.questions {
                let skill = centre + HARDNESS * normal(&mut stream);
                shares.push(share_of(self.samples, skill, &mut stream));
            }
            let of = of_shares(&shares);
            let hit = holds(of.interval, self.truth);
            held += hit;
            match of.method {
                Method::Bootstrap => by_bootstrap += hit,
                Method::Wilson => wilson += 1,
                Method::Alike | Method::TooFew => {}
            }
        }
        let share = |count: u32| f64::from(count) / f64::from(draws);
        Printed {
            held: share(held),
            held_by_bootstrap: share(by_bootstrap),
            wilson: share(wilson),
        }
    }
}

const THIRTY: Fixed = Fixed {
    truth: 0.5,
    samples: SAMPLES,
    questions: 30,
};
const THIRTY_EASIER: Fixed = Fixed {
    truth: 0.9,
    ..THIRTY
};
const NEAR_THE_CEILING: Fixed = Fixed {
    truth: 0.99,
    ..THIRTY
};

#[test]
fn over_thirty_questions_the_bootstrap_holds_a_little_less_than_it_says() {
    for (of, expected) in [(THIRTY, 0.90..=0.97), (THIRTY_EASIER, 0.88..=0.97)] {
        let printed = of.printed(1_200);
        println!("{of:?}: {printed:.3?}");
        assert!(expected.contains(&printed.held), "{of:?}: {printed:.3?}");
    }
}

#[test]
fn near_the_ceiling_what_is_printed_over_questions_holds_the_truth() {
    let printed = NEAR_THE_CEILING.printed(1_200);
    println!("{NEAR_THE_CEILING:?}: {printed:.3?}");
    assert!(printed.held > 0.96, "{printed:.3?}");
    // In a good part of the draws every answer is right. Without a width, no interval there
    // would hold the truth.
    assert!(printed.wilson > 0.05, "{printed:.3?}");
    assert!(printed.held_by_bootstrap < 0.95, "{printed:.3?}");
}

/// The table of docs/statistics.md on questions alone.
#[test]
#[ignore = "half a minute: the counts that docs/statistics.md prints"]
fn long_counts_of_questions_alone_for_the_documentation() {
    println!("| truth | samples a question | questions | held | by the bootstrap | Wilson's |");
    for samples in [1, SAMPLES] {
        for truth in [0.5, 0.9, 0.99] {
            let of = Fixed {
                truth,
                samples,
                ..THIRTY
            };
            let Printed {
                held,
                held_by_bootstrap,
                wilson,
            } = of.printed(4_000);
            println!(
                "| {truth:.2} | {samples} | {} | {held:.3} | {held_by_bootstrap:.3} | {wilson:.3} |",
                of.questions
            );
        }
    }
}

/// The second table of docs/statistics.md.
#[test]
#[ignore = "half a minute: the counts that docs/statistics.md prints"]
fn long_counts_of_questions_for_the_documentation() {
    println!(
        "| exam | questions | n | mean, both | difference, both | mean, seeds | difference, seeds |"
    );
    for exam in [OF_SEEDS, OF_QUESTIONS] {
        for questions in [30, 128] {
            for n in [3, 5, 10] {
                let of = coverage(exam, n, questions, 10_000);
                println!("| {exam:?} | {questions} | {n} | {of:.3?} |");
            }
        }
    }
}
