-- args: provider, final ttl, {{ids, destination, kind, state, final, receipt}, ...}, PDUs
-- Result: {queues, codes, drops, ids, accounts}; a code is an outcome, or 8 + the place of its queue;
-- ids are client_message_ids, accounts are '' where the queue says it; both '' where nobody is known.
local done = kept()
if done then return cmsgpack.pack(done) end
local provider, final_ttl, arrivals, pdus = unpack(args)
local map_prefix = prefix .. 'm:' .. provider .. ':'
local values, wanted = {}, {}
local queues, places, codes = {}, {}, {}

for i = 1, #arrivals do wanted[i] = map_prefix .. (arrivals[i][1][1] or '') end
for at = 1, #wanted, 1000 do
  local last = math.min(at + 999, #wanted)
  local found = call('MGET', unpack(wanted, at, last))
  for i = at, last do values[wanted[i]] = found[i - at + 1] end
end

local function look(key)
  local value = values[key]
  if value == nil then
    value = call('GET', key)
    values[key] = value
  end
  return value
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

local function code_of(number, arrival)
  local ids = arrival[1]
  if #ids == 0 then
    stray('quarantine', provider, 'no_id', now, with_pdu(number, arrival))
    return 4
  end
  local misfit
  for i = 1, #ids do
    local key = map_prefix .. ids[i]
    local value = look(key)
    if value then
      local changed, outcome, queue = meet(key, value, provider, arrival, final_ttl)
      if changed then values[key] = changed end
      if outcome == 0 then
        if not places[queue] then
          queues[#queues + 1] = queue
          places[queue] = #queues - 1
        end
        return 8 + places[queue]
      end
      if outcome then return outcome end
      misfit = misfit or queue
    end
  end
  if misfit then
    stray('quarantine', provider, misfit, now, with_pdu(number, arrival))
    return 4
  end
  if park(provider, with_pdu(number, arrival)) then return 1 end
  return 2
end

-- The client_message_id in the origin of the map that was met: records.Origin, versions 1 and 2.
local function met_id()
  local version = string.byte(met_map, met_at)
  if version ~= 1 and version ~= 2 then return '' end
  return string.sub(met_map, met_at + 19, met_at + 18 + (string.byte(met_map, met_at + 7) or 0))
end

local met_ids, accounts = {}, {}
for i = 1, #arrivals do
  met_map = nil
  local code = code_of(i, arrivals[i])
  codes[i] = code
  met_ids[i] = met_map and met_id() or ''
  accounts[i] = met_map and code < 8 and met_account or ''
end
local result = {queues, codes, cut_grown() or {}, met_ids, accounts}
keep(result)
return cmsgpack.pack(result)
