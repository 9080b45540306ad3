// Hourly percentiles and requests, 24 values a day each, beside the histogram of the day; days without one are left out.
// $rows: list of {service_id, day: int (days since 1970), p50_ms, p95_ms, p99_ms, requests: list[float]}
UNWIND $rows AS row
MATCH (day:SliDay {service_id: row.service_id, sli: 'LATENCY', day: date('1970-01-01') + duration({days: row.day})})
SET day.hourly_p50_ms = row.p50_ms, day.hourly_p95_ms = row.p95_ms, day.hourly_p99_ms = row.p99_ms,
    day.hourly_requests = row.requests
