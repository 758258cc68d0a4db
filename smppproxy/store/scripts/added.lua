-- What only some calls need that add receipts to queues.

-- The id that the account's next bundle has: greater than all before, whatever the clock says.
local function next_id(key)
  local told, last = redis.pcall('XINFO', 'STREAM', key), nil
  for i = 1, told.err and 0 or #told, 2 do
    if told[i] == 'last-generated-id' then last = told[i + 1] end
  end
  local ms, sequence = string.match(last or '0-0', '^(%d+)%-(%d+)$')
  if tonumber(ms) < now_ms then return string.format('%.0f-0', now_ms) end
  return ms .. '-' .. string.format('%.0f', tonumber(sequence) + 1)
end

-- The id of what was added last for this account.
local function id_of_last(account)
  local bundle = pending[account]
  bundle.id = bundle.id or next_id((keys_of(account)))
  return entry_id(bundle.id, #bundle.items / 2)
end

-- Writes what is pending and brings those queues to their limits: {queue, how many it lost, ...};
-- nil: none did.
local function cut_grown()
  if write_pending() then return nil end
  local queues = {}
  for i, account in ipairs(grown) do queues[i] = 'r:' .. account end
  local drops = cut_all(queues)
  return #drops > 0 and drops or nil
end
