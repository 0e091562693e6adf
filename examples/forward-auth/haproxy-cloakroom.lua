-- Asks Cloakroom about a request: lets it pass with the headers that Cloakroom answers, or answers as Cloakroom does.

local VERIFY = "http://127.0.0.1:9091/auth/verify"

-- What the application gets instead of what the client sent.
local COPIED = {
    ["authorization"] = "authorization",
    ["cookie"] = "cloakroom-cookie",
    ["cloakroom-form-token"] = "cloakroom-form-token",
    ["cloakroom-account"] = "cloakroom-account",
    ["cloakroom-session"] = "cloakroom-session",
    ["cloakroom-roles"] = "cloakroom-roles",
    ["cloakroom-groups"] = "cloakroom-groups",
    ["cloakroom-email"] = "cloakroom-email",
}

-- About the connection to the client, not about the request.
local LEFT_OUT = {
    ["connection"] = true, ["content-length"] = true, ["expect"] = true, ["host"] = true, ["keep-alive"] = true,
    ["te"] = true, ["trailer"] = true, ["transfer-encoding"] = true, ["upgrade"] = true,
    ["x-forwarded-method"] = true, ["x-forwarded-uri"] = true,
}

local function answer(txn, status, headers, body)
    local reply = txn:reply()
    reply:set_status(status)
    for name, values in pairs(headers) do
        if name ~= "connection" and name ~= "content-length" and name ~= "transfer-encoding" then
            for _, value in pairs(values) do
                reply:add_header(name, value)
            end
        end
    end
    reply:set_body(body)
    txn:done(reply)
end

core.register_action("cloakroom", { "http-req" }, function(txn)
    local headers = {}
    for name, values in pairs(txn.http:req_get_headers()) do
        if not LEFT_OUT[name] then
            headers[name] = {}
            -- HAProxy counts them from 0, its client from 1.
            for index = 0, #values do
                if values[index] then table.insert(headers[name], values[index]) end
            end
        end
    end
    -- Over HTTP/2 a WebSocket has no key yet; Cloakroom knows one by it.
    if txn.http:req_get_headers()["upgrade"] and not headers["sec-websocket-key"] then
        headers["sec-websocket-key"] = { "AAAAAAAAAAAAAAAAAAAAAA==" }
    end
    headers["x-forwarded-method"] = { txn.sf:method() }
    headers["x-forwarded-uri"] = { txn.sf:pathq() }

    local asked, said = pcall(function()
        return core.httpclient():get{ url = VERIFY, headers = headers, timeout = 10000 }
    end)
    if asked and said.status == 204 then
        for name, from in pairs(COPIED) do
            local values = said.headers[from] or {}
            local value = values[0] or ""
            if value == "" then
                txn.http:req_del_header(name)
            else
                txn.http:req_set_header(name, value)
            end
        end
    elseif asked and said.status and said.status >= 300 and said.headers then
        answer(txn, said.status, said.headers, said.body or "")
    else
        txn:Alert("cloakroom does not answer at " .. VERIFY)
        answer(txn, 503, { ["retry-after"] = { "1" } }, "")
    end
end, 0)
