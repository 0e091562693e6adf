-- Asks Cloakroom about a request: lets it pass with the headers that Cloakroom answers, or answers as Cloakroom does.

require "apache2"
local http = require "socket.http"
local ltn12 = require "ltn12"

local VERIFY = "http://127.0.0.1:9091/auth/verify"

-- Where Apache leads what is Cloakroom's own: that is not asked about.
local OWN = "proxy:http://127.0.0.1:8080/"

-- What the application gets instead of what the client sent.
local COPIED = {
    ["Authorization"] = "authorization",
    ["Cookie"] = "cloakroom-cookie",
    ["Cloakroom-Form-Token"] = "cloakroom-form-token",
    ["Cloakroom-Account"] = "cloakroom-account",
    ["Cloakroom-Session"] = "cloakroom-session",
    ["Cloakroom-Roles"] = "cloakroom-roles",
    ["Cloakroom-Groups"] = "cloakroom-groups",
    ["Cloakroom-Email"] = "cloakroom-email",
}

-- What Cloakroom judges by. Apache has joined fields that came twice.
local TOLD = {
    "Accept", "Access-Control-Request-Headers", "Access-Control-Request-Method", "Authorization", "Cloakroom-Csrf",
    "Content-Type", "Cookie", "Origin", "Sec-Fetch-Dest", "Sec-Fetch-Mode", "Sec-Fetch-Site", "Sec-Fetch-User",
    "Sec-WebSocket-Key", "Service-Worker", "User-Agent", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto",
}

http.TIMEOUT = 10

function verify(r)
    if r.filename and r.filename:sub(1, #OWN) == OWN then
        return apache2.DECLINED
    end
    if r.subprocess_env["CLOAKROOM_REFUSED"] then
        return 400
    end
    local headers = {}
    for _, name in ipairs(TOLD) do headers[name] = r.headers_in[name] end
    headers["X-Forwarded-Method"] = r.method
    headers["X-Forwarded-Uri"] = r.unparsed_uri
    local body = {}
    local asked, status, said = http.request{
        url = VERIFY, headers = headers, redirect = false, sink = ltn12.sink.table(body),
    }
    if not asked then
        r:err("cloakroom does not answer at " .. VERIFY .. ": " .. tostring(status))
        return 503
    end
    if status == 204 then
        for name, from in pairs(COPIED) do
            local value = said[from]
            if value == nil or value == "" then
                r.headers_in[name] = nil
            else
                r.headers_in[name] = value
            end
        end
        return apache2.DECLINED
    end
    for name, value in pairs(said) do
        if name ~= "connection" and name ~= "content-length" and name ~= "transfer-encoding" and name ~= "content-type" then
            r.err_headers_out[name] = value
        end
    end
    r.status = status
    r.content_type = said["content-type"] or "text/plain"
    r:write(table.concat(body))
    return apache2.DONE
end
