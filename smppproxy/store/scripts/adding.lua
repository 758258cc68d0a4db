-- Receipts that a call puts into queues are written when it ends, as a bundle for each account.
local pending, grown, is_within = {}, {}, true

local function write_bundle(account, bundle)
  local items = bundle.items
  local packed = struct.pack('>BH', 220, #items) .. table.concat(items)
  call('XADD', prefix .. 'w:' .. account, bundle.id or '*', #items / 2, packed)
  bundle.written = bundle.written + #items / 2
  bundle.items, bundle.id = {}, nil
end

-- Both as msgpack packs them: so a bundle is packed by putting them in a row.
local function add_bundled(account, origin, receipt)
  local bundle = pending[account]
  if not bundle then
    bundle = {items = {}, written = 0}
    pending[account] = bundle
    grown[#grown + 1] = account
  end
  local items = bundle.items
  local at = #items
  if at == 2 * MOST then
    write_bundle(account, bundle)
    items, at = bundle.items, 0
  end
  items[at + 1], items[at + 2] = origin, receipt
end

-- Writes what is pending. Whether all of these queues are within their limits.
local function write_pending()
  for _, account in ipairs(grown) do
    local bundle, queue = pending[account], 'r:' .. account
    if #bundle.items > 0 then write_bundle(account, bundle) end
    if bundle.written > 0 then
      local number = call('HINCRBY', prefix .. 'h:' .. account, 'n', bundle.written)
      bundle.written = 0
      if number + call('XLEN', prefix .. 'q:' .. queue) > limit(queue) then is_within = false end
    end
  end
  return is_within
end
