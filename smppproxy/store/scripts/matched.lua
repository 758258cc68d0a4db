-- The rest of a match: receipts of any kind, and queues that are too long.
-- The receipts' PDUs come as one string, each behind its length: few of them are ever needed.
local pdu_at, pdu_number = 1, 1

local function with_pdu(number, arrival)
  if pdus == '' then return arrival end
  while pdu_number < number do
    pdu_at = pdu_at + 2 + struct.unpack('>H', pdus, pdu_at)
    pdu_number = pdu_number + 1
  end
  arrival[7] = arrival[7] or false
  arrival[8] = struct.unpack('>Hc0', pdus, pdu_at)
  return arrival
end

local function value_under(number, key)
  local value = values[key]
  if value == nil then
    if key == wanted[number] then value = found[number] else value = call('GET', key) end
    values[key] = value
  end
  return value
end

local function code_of(number, arrival)
  local ids = arrival[1]
  if #ids == 0 then
    stray('quarantine', provider, 'no_id', now, with_pdu(number, arrival))
    return 4
  end
  local misfit, misfits = nil, 0
  for i = 1, #ids do
    local key = map_prefix .. ids[i]
    local value = value_under(number, key)
    if value then
      local changed, outcome, queue = meet(key, value, provider, arrival, final_ttl)
      if changed then values[key] = changed end
      if outcome == 0 then return queued(queue) end
      if outcome then return outcome end
      misfit, misfits = misfit or queue, misfits + 1
    end
  end
  -- Under another spelling of its id the message itself may still be to come.
  if misfits == #ids then
    stray('quarantine', provider, misfit, now, with_pdu(number, arrival))
    return 4
  end
  if park(provider, with_pdu(number, arrival)) then return 1 end
  return 2
end

local function settle_other(number, arrival)
  met_map = nil
  local code = code_of(number, arrival)
  codes[number] = code
  met_ids[number] = met_map and id_in(met_map, met_at) or ''
  accounts[number] = met_map and code < 8 and met_account or ''
end

while number <= #wanted do
  if not settle_next() then
    local id = flat[at]
    if type(id) == 'string' then
      id = {{id}, flat[at + 1], flat[at + 2], flat[at + 3], flat[at + 4], flat[at + 5]}
      at = at + 6
    else
      at = at + 1
    end
    settle_other(number, id)
    number = number + 1
  end
end
return keep({queues, codes, cut_grown() or {}, met_ids, accounts})
