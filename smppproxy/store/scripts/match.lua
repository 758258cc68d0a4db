-- args: provider, final ttl, {{ids, destination, kind, state, final, receipt, segment}, ...}, PDUs.
-- Result: {queues, codes, drops, ids, accounts}; a code is an outcome, or 8 + the place of its queue;
-- ids are client_message_ids, accounts are '' where the queue says it; both '' where nobody is known.
local done = kept_packed()
if done then return done end
local provider, final_ttl, arrivals, pdus = unpack(args)
local queues, places, codes, met_ids, accounts = {}, {}, {}, {}, {}

local function queued(queue)
  local place = places[queue]
  if not place then
    place = 8 + #queues
    queues[#queues + 1] = queue
    places[queue] = place
  end
  return place
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

-- The client_message_id in an origin that begins there: records.Origin, versions 1 and 2.
local function id_in(map, at)
  local version = string.byte(map, at)
  if version ~= 1 and version ~= 2 then return '' end
  return string.sub(map, at + 19, at + 18 + (string.byte(map, at + 7) or 0))
end

local function code_of(number, arrival)
  local ids = arrival[1]
  if #ids == 0 then
    stray('quarantine', provider, 'no_id', now, with_pdu(number, arrival))
    return 4
  end
  local outcome, queue, misfits = meet_any(provider, arrival, final_ttl)
  if outcome == 0 then return queued(queue) end
  if outcome then return outcome end
  -- Under another spelling of its id the message itself may still be to come.
  if misfits == #ids then
    stray('quarantine', provider, queue, now, with_pdu(number, arrival))
    return 4
  end
  if park(provider, with_pdu(number, arrival)) then return 1 end
  return 2
end

for i, arrival in ipairs(arrivals) do
  met_map = nil
  local code = code_of(i, arrival)
  codes[i] = code
  met_ids[i] = met_map and id_in(met_map, met_at) or ''
  accounts[i] = met_map and code < 8 and met_account or ''
end
return keep({queues, codes, cut_grown() or {}, met_ids, accounts})
