-- args: 'maps', provider, {id, ...}: {{id, account, destination, want, origin, expiry, final, seen}};
-- or 'queue', queue, client_message_id, count: {{id, fields}, ...}. For the operator; nothing changes.
local what, name, wanted, count = unpack(args)
local result = {}
if what == 'maps' then
  for _, id in ipairs(wanted) do
    local value = call('GET', prefix .. 'm:' .. name .. ':' .. id)
    for _, map in ipairs(value and live_maps(value) or {}) do
      local m = read_map(map)
      result[#result + 1] = {id, m.account, m.destination, m.want, string.sub(map, m.at),
                             m.expiry, m.final, m.seen}
    end
  end
else
  for _, entry in ipairs(call('XREVRANGE', prefix .. 'q:' .. name, '+', '-', 'COUNT', count)) do
    if string.find(entry[2][2], wanted, 1, true) then result[#result + 1] = entry end
  end
end
return cmsgpack.pack(result)
