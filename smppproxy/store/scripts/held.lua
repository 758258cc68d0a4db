-- args: 'maps', provider, {id, ...}: {{id, account, destination, want, origin, expiry, final, seen}};
-- or 'queue', queue, client_message_id, count: {{id, fields}, ...}. For the operator; nothing changes.
local what, name, wanted, count = unpack(args)
local result = {}

-- Finds it in the last of a bundle, newest first. What was taken from a bundle is still in it.
local function search(entry, most)
  local account = account_of(name)
  local packed = call('HGET', (select(2, keys_of(account))), entry[1])
  local marks, items = open_state(packed, tonumber(entry[2][1])), cmsgpack.unpack(entry[2][2])
  for place = #marks, math.max(#marks - most, 0) + 1, -1 do
    local origin, receipt = items[2 * place - 1], items[2 * place]
    if marks[place] ~= GONE and string.find(origin, wanted, 1, true) then
      if type(receipt) == 'table' then receipt = receipt[1] end
      result[#result + 1] = {entry_id(entry[1], place), {'o', origin, 'r', receipt}}
    end
  end
end

if what == 'maps' then
  for _, id in ipairs(wanted) do
    local value = get_map(name, id)
    for _, map in ipairs(value and live_maps(value) or {}) do
      local m = read_map(map)
      result[#result + 1] = {id, m.account, m.destination, m.want, string.sub(map, m.at),
                             m.expiry, m.final, m.seen}
    end
  end
else
  local account = account_of(name)
  local last = '+'
  while account and count > 0 do
    local bundles = call('XREVRANGE', (keys_of(account)), last, '-', 'COUNT', 20)
    if #bundles == 0 then break end
    for _, entry in ipairs(bundles) do
      if string.find(entry[2][2], wanted, 1, true) then search(entry, count) end
      count = math.max(count - tonumber(entry[2][1]), 0)
    end
    last = '(' .. bundles[#bundles][1]
  end
  for _, entry in ipairs(call('XREVRANGE', prefix .. 'q:' .. name, '+', '-', 'COUNT', count)) do
    if string.find(entry[2][2], wanted, 1, true) then result[#result + 1] = entry end
  end
end
return cmsgpack.pack(result)
