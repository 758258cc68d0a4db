-- args: provider, final ttl, receipts, PDUs. Of a receipt with one id and no segment there are six
-- items: id, destination, kind, state, final, receipt; any other is one item, a table.
-- Result: {queues, codes, drops, ids, accounts}; a code is an outcome, or 8 + the place of its queue;
-- ids are client_message_ids, accounts are '' where the queue says it; both '' where nobody is known.
local done = kept_packed()
if done then return done end
local provider, final_ttl, flat, pdus = unpack(args)
local map_prefix = prefix .. 'm:' .. provider .. ':'
local byte, sub, band = string.byte, string.sub, bit.band
local wanted, found, values = {}, {}, {}
local queues, places, codes, met_ids, accounts = {}, {}, {}, {}, {}

do
  local at, number, items = 1, 0, #flat
  while at <= items do
    local id = flat[at]
    if type(id) == 'string' then
      at = at + 6
    else
      id = id[1][1] or ''
      at = at + 1
    end
    number = number + 1
    wanted[number] = map_prefix .. id
  end
  for first = 1, number, 1000 do
    local last = math.min(first + 999, number)
    local some = call('MGET', unpack(wanted, first, last))
    if first == 1 then
      found = some
    else
      for i = first, last do found[i] = some[i - first + 1] end
    end
  end
end

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

local function queued(queue)
  local place = places[queue]
  if not place then
    place = 8 + #queues
    queues[#queues + 1] = queue
    places[queue] = place
  end
  return place
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

-- The client_message_id in an origin that begins there: records.Origin, versions 1 and 2.
local function id_in(map, at)
  local version = byte(map, at)
  if version ~= 1 and version ~= 2 then return '' end
  return sub(map, at + 19, at + 18 + (byte(map, at + 7) or 0))
end

-- What a final receipt makes of the head of a map that nothing had come for, by state.
local heads, soon, expiry_soon = {}, now + final_ttl, struct.pack('>I', now + final_ttl)

-- What nearly all receipts are: the final one of a plain map that nothing has come for. As settle
-- would do it; false: it is not such a receipt.
local function settle_plain(number, key, value, destination, kind, state, receipt)
  local version, e1, e2, e3, e4, final, seen, last, want, length = byte(value, 1, 10)
  if version ~= 1 or final ~= 0 or seen ~= 0 or last ~= 0 or band(want, kind) == 0 then
    return false
  end
  local at = 12 + length + byte(value, 11 + length)
  local mine = sub(value, 12 + length, at - 1)
  if mine ~= destination and not fits(mine, destination) then return false end
  local queue = enqueue(sub(value, 11, 10 + length), sub(value, at), receipt)
  local expiry, head = ((e1 * 256 + e2) * 256 + e3) * 256 + e4, nil
  if expiry >= soon then
    expiry, head = soon, heads[state]
    if not head then
      head = '\1' .. expiry_soon .. '\1\1' .. string.char(state) .. '\0'
      heads[state] = head
    end
  else
    head = sub(value, 1, 5) .. '\1\1' .. string.char(state) .. '\0'
  end
  local changed = head .. sub(value, 9)
  values[key] = changed
  call('SET', key, changed, 'EX', math.max(expiry - now, 1))
  codes[number], met_ids[number], accounts[number] = queued(queue), id_in(value, at), ''
  return true
end

local function settle_other(number, arrival)
  met_map = nil
  local code = code_of(number, arrival)
  codes[number] = code
  met_ids[number] = met_map and id_in(met_map, met_at) or ''
  accounts[number] = met_map and code < 8 and met_account or ''
end

local at = 1
for number = 1, #wanted do
  local id = flat[at]
  if type(id) == 'string' then
    local key, destination, kind, state = wanted[number], flat[at + 1], flat[at + 2], flat[at + 3]
    local final, receipt = flat[at + 4], flat[at + 5]
    local value = values[key]
    if value == nil then value = found[number] end
    if not (value and final and
            settle_plain(number, key, value, destination, kind, state, receipt)) then
      settle_other(number, {{id}, destination, kind, state, final, receipt})
    end
    at = at + 6
  else
    settle_other(number, id)
    at = at + 1
  end
end
return keep({queues, codes, cut_grown() or {}, met_ids, accounts})
