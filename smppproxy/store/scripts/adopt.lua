-- args: queues, count, idle_ms, started_ms. Result: {{queue, entries, deliveries}, ...}
local queues, count, idle_ms, started_ms = unpack(args)

-- What this name held before this process began, and has not been handed out since.
local function mine(key)
  local idle = math.max(now_ms - started_ms + 1, 0)
  local held = redis.pcall('XPENDING', key, 'g', 'IDLE', idle, '-', '+', count, node)
  if held.err or #held == 0 then return {} end
  return call('XCLAIM', key, 'g', node, 0, unpack(ids_of(held)))
end

local function anyones(key)
  local entries, from = {}, '0-0'
  repeat
    local reply = redis.pcall('XAUTOCLAIM', key, 'g', node, idle_ms, from, 'COUNT',
                              count - #entries)
    if reply.err then break end
    from = reply[1]
    for _, entry in ipairs(reply[2]) do entries[#entries + 1] = entry end
  until from == '0-0' or #entries >= count
  return entries
end

-- What is kept for another try are ids and deliveries only; the entries are read again.
local function again_from(taken)
  local result = {}
  for _, held in ipairs(taken) do
    local queue, ids, counts = unpack(held)
    local entries, deliveries = {}, {}
    for i = 1, #ids do
      local entry = call('XRANGE', prefix .. 'q:' .. queue, ids[i], ids[i])[1]
      if entry then
        entries[#entries + 1] = entry
        deliveries[#deliveries + 1] = counts[i]
      end
    end
    result[#result + 1] = {queue, entries, deliveries}
  end
  return cmsgpack.pack(result)
end

local done = kept()
if done then return again_from(done) end
local result, taken = {}, {}
for i = 1, #queues do
  local key = prefix .. 'q:' .. queues[i]
  expire(queues[i], key)
  local entries = idle_ms == 0 and mine(key) or idle_ms ~= 0 and anyones(key)
  if entries and #entries > 0 then
    local deliveries = {}
    for j = 1, #entries do
      local id = entries[j][1]
      deliveries[j] = call('XPENDING', key, 'g', id, id, 1)[1][4]
    end
    result[#result + 1] = {queues[i], entries, deliveries}
    taken[#taken + 1] = {queues[i], ids_of(entries), deliveries}
  end
end
if #taken > 0 then keep(taken) end
return cmsgpack.pack(result)
