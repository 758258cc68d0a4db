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

local function queued(queue)
  local place = places[queue]
  if not place then
    place = 8 + #queues
    queues[#queues + 1] = queue
    places[queue] = place
  end
  return place
end

-- The client_message_id in an origin that begins there: records.Origin, versions 1 and 2.
local function id_in(map, at)
  local version = byte(map, at)
  if version ~= 1 and version ~= 2 then return '' end
  return sub(map, at + 19, at + 18 + (byte(map, at + 7) or 0))
end

-- What a final receipt makes of the head of a map that nothing had come for, by state.
local heads, soon, expiry_soon = {}, now + final_ttl, struct.pack('>I', now + final_ttl)
local ends_soon, place_of = string.format('%.0f', now_ms + math.max(final_ttl, 1) * 1000), {}

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
  local account = sub(value, 11, 10 + length)
  add_bundled(account, sub(value, at), receipt)
  local expiry, ends, head = ((e1 * 256 + e2) * 256 + e3) * 256 + e4, ends_soon, nil
  if expiry >= soon then
    head = heads[state]
    if not head then
      head = '\1' .. expiry_soon .. '\1\1' .. string.char(state) .. '\0'
      heads[state] = head
    end
  else
    ends = string.format('%.0f', now_ms + math.max(expiry - now, 1) * 1000)
    head = sub(value, 1, 5) .. '\1\1' .. string.char(state) .. '\0'
  end
  local changed, place = head .. sub(value, 9), place_of[account]
  values[key] = changed
  call('SET', key, changed, 'PXAT', ends)
  if not place then
    place = queued('r:' .. account)
    place_of[account] = place
  end
  codes[number], met_ids[number], accounts[number] = place, id_in(value, at), ''
  return true
end

local at, number = 1, 1

-- Whether the next receipt was such a one, and is settled.
local function settle_next()
  local id, key = flat[at], wanted[number]
  if type(id) ~= 'string' then return false end
  local value = values[key]
  if value == nil then value = found[number] end
  if not (value and flat[at + 4]) or
     not settle_plain(number, key, value, flat[at + 1], flat[at + 2], flat[at + 3], flat[at + 5]) then
    return false
  end
  at, number = at + 6, number + 1
  return true
end

while number <= #wanted and settle_next() do end
if number > #wanted and write_pending() then return keep({queues, codes, {}, met_ids, accounts}) end
