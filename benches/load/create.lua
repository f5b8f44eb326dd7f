-- What wrk sends: each request creates a secret with a name of its own.
--
--   wrk -s create.lua URL -- KIND VALUE [HEADER VALUE]…     KIND: sealpost, or kv2 for OpenBao
local threads = 0

function setup(thread)
    thread:set("id", threads)
    threads = threads + 1
end

function init(arguments)
    kind, value = arguments[1], arguments[2]
    headers = { ["Content-Type"] = "application/json" }
    for i = 3, #arguments, 2 do
        headers[arguments[i]] = arguments[i + 1]
    end
    count = 0
end

function request()
    count = count + 1
    local name = "load/" .. id .. "/" .. count
    if kind == "kv2" then
        return wrk.format("POST", wrk.path .. name, headers, '{"options":{"cas":0},"data":' .. value .. "}")
    end
    return wrk.format("POST", nil, headers, '{"secret":{"name":"' .. name .. '","value":' .. value .. "}}")
end

function done(summary, latency)
    local errors = summary.errors
    io.write(string.format(
        '{"requests":%d,"seconds":%.3f,"not_2xx":%d,"socket_errors":%d,"p50_ms":%.2f,"p99_ms":%.2f}\n',
        summary.requests, summary.duration / 1e6, errors.status,
        errors.connect + errors.read + errors.write + errors.timeout,
        latency:percentile(50) / 1000, latency:percentile(99) / 1000))
end
