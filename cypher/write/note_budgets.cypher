// What is left of the error budgets of services; null removes what was noted.
// $rows: list of {service_id: str, remaining: float | null}
UNWIND $rows AS row
MATCH (service:Service {service_id: row.service_id})
SET service.budget_remaining_ratio = row.remaining
