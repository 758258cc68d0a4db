-- Maps that are more than one message, one receipt: groups, late delivery, reminders.
-- A group: closed; the state that closed it; shown: the entry of its intermediate receipt; finals:
-- {part, state, kind, receipt, segment} in the order in which they came.
-- All of it is made when the first such map is met: plain ones do not pay for it.
local function open_groups()
  local RANK = {[8] = 5, [9] = 5, [5] = 4, [3] = 3, [4] = 2, [7] = 1}
  local DELIVERED, EXPIRED, UNKNOWN = 2, 3, 7

  local function has(set, bits) return bit.band(set, bits) ~= 0 end

  local function is_final(map) return string.byte(map, 6) == 1 end

  local function forget_due(provider, id, m)
    if has(m.flags, DUE) then call('ZREM', prefix .. 'due', provider .. ':' .. id) end
  end

  -- The map as it is now. A state that came before stays where it was.
  local function with_state(map, m, state, final, expiry)
    local letter, seen = string.char(state), m.seen
    if not string.find(seen, letter, 1, true) then seen = string.sub(seen .. letter, -200) end
    return struct.pack(HEAD, 3, expiry, final, #seen, seen, 0, '') ..
      string.sub(map, 9 + #m.seen + #m.last)
  end

  -- The origins of the messages beside the first that have this map as well.
  local function more_origins(m)
    local origins, at = {}, 1
    while m.version == 3 and at <= #m.also do
      origins[#origins + 1], at = struct.unpack('>Hc0', m.also, at)
    end
    return origins
  end

  -- One entry for each message that has this map. Queue, id of the first entry where it is asked for.
  local function deliver(map, m, receipt, parts, good, named)
    local queue, id = enqueue(m.account, string.sub(map, m.at), receipt, parts, good, named)
    for _, origin in ipairs(more_origins(m)) do enqueue(m.account, origin, receipt, parts, good) end
    return queue, id
  end

  local function group_key(m) return prefix .. 'g:' .. #m.account .. ':' .. m.account .. m.group end

  local function read_group(m)
    local value = call('GET', group_key(m))
    if value then return cmsgpack.unpack(value) end
    return {expiry = 0, closed = false, state = 0, shown = '', finals = {}}
  end

  local function write_group(m, group)
    call('SET', group_key(m), cmsgpack.pack(group), 'EX', math.max(group.expiry - now, 1))
  end

  -- The worst of the finals (0: all are good, then the last), its rank, how many are good.
  local function choose(finals)
    local chosen, worst, good = nil, 0, 0
    for _, each in ipairs(finals) do
      local rank = RANK[each[2]] or 0
      if rank == 0 then good = good + 1 end
      if rank > worst or worst == 0 then chosen, worst = each, rank end
    end
    return chosen, worst, good
  end

  -- Queues what the finals say together. Outcome, queue.
  local function conclude(map, m, group)
    local chosen, _, good = choose(group.finals)
    group.closed, group.state = true, chosen[2]
    if not has(m.want, chosen[3]) then return 3, '' end
    local queue = deliver(map, m, chosen[4], m.parts, good)
    if group.shown ~= '' then supersede(queue, group.shown) end
    group.shown = ''
    return 0, queue
  end

  -- A part that is there already: its outcome. Nil: it is new.
  local function known_part(m, group, arrival)
    local segment = arrival[7] or 0
    for _, each in ipairs(group.finals) do
      if m.part ~= 0 and each[1] == m.part then return each[2] == arrival[4] and 2 or 5 end
      if m.part == 0 and segment ~= 0 and each[5] == segment then return 2 end
    end
    return nil
  end

  local function add_final(map, m, arrival, final_ttl)
    local group = read_group(m)
    local ends = math.min(m.expiry, now + final_ttl)
    local closing = with_state(map, m, arrival[4], 1, ends)
    if group.closed then return closing, 5, '' end
    local outcome, queue = known_part(m, group, arrival), ''
    if outcome and m.part == 0 then return nil, outcome, queue end
    if outcome then return closing, outcome, queue end
    local finals = group.finals
    finals[#finals + 1] = {m.part, arrival[4], arrival[3], arrival[6], arrival[7] or 0}
    group.expiry = math.max(group.expiry, m.expiry + GRACE)
    if #finals < m.parts then
      write_group(m, group)
      if m.part ~= 0 then return closing, 6, '' end
      return with_state(map, m, arrival[4], 0, m.expiry), 6, ''
    end
    outcome, queue = conclude(map, m, group)
    group.expiry = math.min(group.expiry, now + final_ttl)
    write_group(m, group)
    return closing, outcome, queue
  end

  local function add_intermediate(map, m, arrival)
    local group = read_group(m)
    if group.closed then return nil, 5, '' end
    local changed = with_state(map, m, arrival[4], 0, m.expiry)
    if not has(m.want, arrival[3]) then return changed, 3, '' end
    if group.shown ~= '' then return changed, 6, '' end
    local _, _, good = choose(group.finals)
    local queue
    queue, group.shown = deliver(map, m, arrival[6], m.parts, good, true)
    group.expiry = math.max(group.expiry, m.expiry + GRACE)
    write_group(m, group)
    return changed, 0, queue
  end

  -- DELIVERED takes the place of the part's EXPIRED or UNKNOWN. Outcome, queue.
  local function replace_part(map, m, arrival)
    local group = read_group(m)
    for _, each in ipairs(group.finals) do
      if each[1] == m.part then each[2], each[3], each[4] = arrival[4], arrival[3], arrival[6] end
    end
    local _, worst = choose(group.finals)
    local outcome, queue = 6, ''
    if group.closed then
      if group.state ~= EXPIRED and group.state ~= UNKNOWN or #group.finals < m.parts then
        return 5, ''
      end
      if worst == 0 then outcome, queue = conclude(map, m, group) end
    end
    write_group(m, group)
    return outcome, queue
  end

  local function settle_final(map, m, arrival, known)
    local before = string.byte(m.seen, -1)
    local late = has(m.flags, LATE) and m.part ~= 0 and arrival[4] == DELIVERED
    if known then return nil, 2, '' end
    if not late or before ~= EXPIRED and before ~= UNKNOWN then return nil, 5, '' end
    local outcome, queue = 3, ''
    if m.group ~= '' then
      outcome, queue = replace_part(map, m, arrival)
      if outcome == 5 then return nil, 5, '' end
    elseif has(m.want, arrival[3]) then
      outcome, queue = 0, deliver(map, m, arrival[6])
    end
    return with_state(map, m, DELIVERED, 1, m.expiry), outcome, queue
  end

  -- One receipt meets a map of any version. New map (nil: unchanged), outcome, queue.
  local function settle_any(map, m, arrival, final_ttl)
    local known = string.find(m.seen, string.char(arrival[4]), 1, true)
    if m.version == 3 and m.final == 1 then return settle_final(map, m, arrival, known) end
    if m.group == '' then
      local changed, _, outcome, queue = settle(map, m.expiry, m.final, m.seen, m.last, m.want,
                                                m.account, m.at, arrival, final_ttl)
      if changed then changed = string.char(m.version) .. string.sub(changed, 2) end
      if outcome == 0 then
        for _, origin in ipairs(more_origins(m)) do enqueue(m.account, origin, arrival[6]) end
      end
      return changed, outcome, queue
    end
    if known and not (m.part == 0 and arrival[5]) then return nil, 2, '' end
    if arrival[5] then return add_final(map, m, arrival, final_ttl) end
    return add_intermediate(map, m, arrival)
  end

  return {settle_any = settle_any, is_final = is_final, forget_due = forget_due, has = has,
          read_group = read_group, write_group = write_group, conclude = conclude,
          with_state = with_state, more_origins = more_origins}
end
