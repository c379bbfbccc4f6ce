//! What the curves of some columns are drawn along, and where their budget stands on it.

use super::columns::spec;
use super::entries::Material;
use super::table::Compared;
use super::wanted::View;
use crate::number;
use crate::pages::experiment::axis::Cost;
use crate::pages::figure_data;
use assay_core::ground::Ground;
use assay_core::spec::Budget;
use assay_store::MilestonePoint;

#[derive(Debug)]
pub(super) struct Axis {
    pub cost: Cost,
    /// Whether it counts what all of their budgets do.
    pub in_budget: bool,
    /// Whether differences can be taken at one place of it.
    pub differs: bool,
    /// Where the budget line stands.
    pub line: Option<f64>,
    /// What that line is, or why there is none.
    pub said: Vec<String>,
}

const OTHER_UNITS: &str = "Not at equal budgets: these are counted in different units. Every column stands at what it was charged of this cost; no difference is taken, and nothing was registered of it.";

const IN_DOLLARS: &str = "Not at equal budgets: no budget here is counted in dollars. Every column stands at what it was charged; no difference is taken, and nothing was registered of it.";

impl Axis {
    /// `budget` is that of one of the columns. Nothing where budgets are counted in different
    /// units and no cost was asked for.
    pub fn new(view: &View, ground: &Ground, budget: &Budget) -> Option<Self> {
        let own = Cost::from(budget.unit);
        let registered = match ground {
            Ground::EqualCompute { .. } => Some(budget.amount),
            Ground::Unequal { least, .. } => Some(*least),
            Ground::OtherUnits => None,
        };
        let cost = view.x.or(registered.map(|_| own))?;
        let comparable = registered.is_some();
        let in_budget = comparable && cost == own;
        let registered = registered.filter(|_| in_budget);
        let mut said = vec![];
        match ground {
            Ground::OtherUnits => said.push(OTHER_UNITS.to_string()),
            Ground::EqualCompute { .. } | Ground::Unequal { .. } if cost == Cost::Usd => {
                said.push(IN_DOLLARS.to_string());
            }
            Ground::EqualCompute { .. } | Ground::Unequal { .. } if !in_budget => {
                said.push("The budget is counted in another unit than this axis.".into());
            }
            Ground::EqualCompute { .. } if view.budget.is_none() => {
                said.push("The dashed line is the budget.".into());
            }
            Ground::Unequal { .. } if view.budget.is_none() => {
                said.push("The dashed line is the shortest budget: read the curves there.".into());
            }
            Ground::EqualCompute { .. } | Ground::Unequal { .. } => {}
        }
        said.extend(view.budget.map(|asked| {
            let asked = cost.amount(asked);
            format!("The dashed line stands at {asked}, as the link asks.")
        }));
        Some(Self {
            cost,
            in_budget,
            differs: comparable && cost != Cost::Usd,
            line: view.budget.or(registered),
            said,
        })
    }

    /// The columns that were asked the base's questions have one axis.
    pub fn of_base(of: &Material, table: &Compared) -> Option<Self> {
        let base = spec(of, of.entries.get(of.base)?)?;
        Self::new(&of.view, table.ground.as_ref()?, &base.budget)
    }

    /// Where a milestone stands on it. Not a number in dollars where no price was in force.
    pub fn at(&self, of: &Material, point: &MilestonePoint) -> f64 {
        let dollars = || of.dollars.at(point.run, point.device_ms);
        match self.in_budget {
            true => point.x,
            false => self.cost.of(point).or_else(dollars).unwrap_or(f64::NAN),
        }
    }

    /// How a place is said, in the unit that the axis names.
    pub fn place(&self, x: f64) -> String {
        match self.cost {
            Cost::Device | Cost::Wall | Cost::Usd if x != 0.0 => number::significant(x),
            Cost::Device | Cost::Wall | Cost::Usd | Cost::Flops | Cost::Tokens => {
                figure_data::charged(x)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_core::compare::Basis;
    use assay_core::spec::BudgetUnit;

    #[test]
    fn a_budget_has_a_line_on_its_own_axis_and_units_that_differ_have_none_unasked() {
        let budget = Budget {
            unit: BudgetUnit::Flops,
            amount: 4e11,
        };
        let equal = Ground::EqualCompute {
            basis: Basis::from(&budget),
        };
        let plain = View::default();
        let own = Axis::new(&plain, &equal, &budget).unwrap();
        assert_eq!((own.cost, own.line), (Cost::Flops, Some(4e11)));
        assert!(own.in_budget && own.differs && own.said == ["The dashed line is the budget."]);
        let wall = View {
            x: Some(Cost::Wall),
            ..plain
        };
        let other = Axis::new(&wall, &equal, &budget).unwrap();
        assert_eq!((other.in_budget, other.line), (false, None));
        assert!(other.differs);
        assert!(other.said[0].contains("another unit"), "{:?}", other.said);
        let dollars = View {
            x: Some(Cost::Usd),
            ..plain
        };
        let money = Axis::new(&dollars, &equal, &budget).unwrap();
        assert_eq!((money.in_budget, money.line), (false, None));
        assert!(!money.differs);
        assert!(money.said.len() == 1 && money.said[0].starts_with("Not at equal budgets: "));
        assert!(Axis::new(&plain, &Ground::OtherUnits, &budget).is_none());
        let asked = View {
            budget: Some(12.5),
            ..wall
        };
        let units = Axis::new(&asked, &Ground::OtherUnits, &budget).unwrap();
        assert_eq!((units.cost, units.line), (Cost::Wall, Some(12.5)));
        assert!(!units.differs);
        assert!(units.said[0].starts_with("Not at equal budgets: "));
        assert!(units.said[1].contains("12.50 s of work, as the link asks"));
        assert_eq!(units.place(12.5), "12.50");
    }
}
