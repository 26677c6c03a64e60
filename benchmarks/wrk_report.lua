-- Makes wrk print its findings as one line of JSON. Only `done` is defined: a `request` or a `response`
-- function would run for every request and slow the load generator down.
function done(summary, latency, requests)
   local errors = summary.errors
   io.write(string.format(
      'JSON {"requests":%d,"microseconds":%d,"p50":%d,"p99":%d,"errors":%d}\n',
      summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
      errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
