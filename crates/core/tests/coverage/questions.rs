//! Claims beyond the questions that were asked: seeds and questions both drawn by chance, or
//! questions alone.

use super::{binomial_of, logistic, normal};
use assay_core::beyond::{bootstrap, seeds_and_questions};
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
    f64::from(binomial_of(SAMPLES, logistic(skill), stream)) / f64::from(SAMPLES)
}

fn holds(of: Option<Interval>, truth: f64) -> u32 {
    let of = of.expect("three seeds or more");
    u32::from(of.low <= truth && truth <= of.high)
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
