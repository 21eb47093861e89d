/** What users say of budgets: amounts in US dollars. A day is a UTC day; a call belongs to the day it was intended on. */

export interface BudgetOptions {
  /** What one job may cost over its whole life. Default: no limit. */
  readonly perJobUsd?: number;
  /** What the jobs of one tenant may cost a day, each tenant by itself; jobs without one are not bounded by it. Default: no limit. */
  readonly perTenantDayUsd?: number;
  /** What all jobs of the store may cost a day, of whatever process. Default: no limit. */
  readonly perDayUsd?: number;
}
