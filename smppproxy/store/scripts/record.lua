-- args: provider, ttl, final ttl for what was parked, {id, map, id, map, ...}, the same of maps that
-- are more than a plain one (nil: none). Result: {outcome, queue, outcome, queue, ...} of the receipts
-- released; where queues lost something: {those, drops}
local done = kept_packed()
if done then return done end
local provider, ttl, final_ttl, flat, wide = unpack(args)
local expiry = now + ttl
local head = struct.pack('>BIBBB', 1, expiry, 0, 0, 0)
local map_prefix = prefix .. 'm:' .. provider .. ':'

-- As the server writes it down: with EX it would have to put every command together anew.
local taken, ends = {}, string.format('%.0f', now_ms + ttl * 1000)

for i = 1, #flat, 2 do
  local key = map_prefix .. flat[i]
  if not call('SET', key, head .. flat[i + 1], 'PXAT', ends, 'NX') then taken[#taken + 1] = i end
end

local is_awaited = call('EXISTS', prefix .. 'pi:' .. provider) == 1
if not is_awaited and not wide and #taken == 0 then return cmsgpack.pack({}) end
