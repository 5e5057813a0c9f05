-- Write one folded batch and the position that follows it: all or nothing.
-- KEYS: state, customers (what the buckets' names begin with), names, journal, outbox, at-risk, then blobs to append to
-- (event ids, timers), then blobs to delete.
-- ARGV: JSON {owner, commit, after (the commit before), later (those sent with it, to come later), expected, position,
-- newest_ms, customers (with records in this commit), portions, named, names, part_bytes, blobs, ids (what the names of
-- blobs of ids begin with), windows (topic, its oldest hour that is remembered, first and last hour of this commit's ids,
-- …), counters, messages, at_risk, fields},
-- journal entry, `portions` of the records (2 arguments each: the customers' hashes, each bucket's together, 4 bytes each,
-- and what pack_records in packing.py makes), `names` names, what is appended to each of the `blobs`, `messages` messages,
-- then `at_risk` customers and what is known of each ('' = is at risk no more, ?x = x, if nothing is known).
-- A blob is cut into parts: see blobs.py.
-- Returns {'committed', entries of the journal, their bytes}, {'already'} (it is in: the last one is this or a later one),
-- {'owner'} or {'position'} (refused); an error when something cannot be written. Only after 'committed' anything was.
local MOVED_AT_LEAST = 1000 -- customers whom one commit may move into other buckets,
local MOVED_A_RECORD = 2 -- and as many more for each of its own: a split moves 96, and makes room for 48 new ones
local MOST_AT_ONCE = 3800 -- arguments of one call
local c = cjson.decode(ARGV[1])
local state = KEYS[1]
local function bucket_of(first) return KEYS[2] .. ':' .. first end
local have = redis.call('HMGET', state, 'owner', 'commit', 'position', 'newest_ms', 'journal_bytes')
if have[2] == c.commit then return {'already'} end
for _, name in ipairs(c.later) do
  if have[2] == name then return {'already'} end
end
if have[1] ~= c.owner then return {'owner'} end
if (have[2] or '') ~= c.after or have[3] ~= c.expected then return {'position'} end

-- Lua does not roll back. Redis refuses a script for its own state (no memory, a replica, a disk that is full, too few
-- replicas) at the first write only; whatever else could stop it halfway is looked at here, before any write.
local first_flaw
local function flaw(code, what) first_flaw = first_flaw or redis.error_reply(code .. ' ' .. what) end
local function size(command, key)
  local answer = redis.pcall(command, key)
  if type(answer) == 'number' then return answer end
  if answer.err:find('WRONGTYPE', 1, true) then
    flaw('WRONGTYPE', key .. ' is not what Assidu keeps under this name')
  else
    first_flaw = first_flaw or answer
  end
  return 0
end
local function may(command, key, ...)
  -- Redis 7 and later; before, the worker tries all commands when it starts.
  if redis.acl_check_cmd and not redis.acl_check_cmd(command, key, ...) then
    flaw('NOPERM', 'to run ' .. command .. ' on ' .. key)
  end
end
local function whole(name, text)
  if text and not (#text <= 16 and text:find('^-?%d+$')) then
    flaw('WRONGTYPE', state .. ': the field ' .. name .. ' is no whole number')
    return nil
  end
  return text and tonumber(text)
end
local function stored(name) return whole(name, redis.call('HGET', state, name)) end

if #KEYS < 6 + c.blobs or #ARGV ~= 2 + 2 * c.portions + c.names + c.blobs + c.messages + 2 * c.at_risk then
  return redis.error_reply('ERR keys or arguments of a commit are missing')
end
if size('LLEN', KEYS[3]) ~= c.named and not first_flaw then return {'position'} end
size('LLEN', KEYS[4])
size('LLEN', KEYS[5])
size('HLEN', KEYS[6])
for i = 3, 5 do may('RPUSH', KEYS[i], 'a') end
may('HSET', bucket_of(0), 'a', 'b')
may('UNLINK', bucket_of(0))
for _, key in ipairs({state, KEYS[6]}) do
  may('HSET', key, 'a', 'b')
  may('HSETNX', key, 'a', 'b')
  may('HDEL', key, 'a')
end
may('HINCRBY', state, 'a', '1')

-- Customers that came with earlier commits may call for more buckets: some are split here, before the records come in.
local customers, buckets = stored('customers') or 0, math.max(stored('buckets') or 0, FEWEST)
local moved, movable = {}, MOVED_AT_LEAST + MOVED_A_RECORD * c.customers
while buckets * CUSTOMERS_A_BUCKET < customers do
  local width, first = widths(buckets)
  local middle = first + width / 2
  local lower, upper = bucket_of(first), bucket_of(middle)
  movable = movable - 1 - size('HLEN', lower) - size('HLEN', upper)
  local is_next_round = first == 0 and #moved > 0 -- through buckets that this commit has yet to write
  if first_flaw or is_next_round or movable < 0 then break end
  local below, above = halves(redis.call('HGETALL', lower), middle)
  moved[#moved + 1] = {lower, upper, below, above}
  buckets = buckets + 1
end
local width, split = widths(buckets)
local written = {}
for at = 3, 2 + 2 * c.portions, 2 do
  local hashes, rows, from = ARGV[at], ARGV[at + 1], 1
  for _, run in ipairs(runs_of(hashes, width, split)) do
    local bucket, left = bucket_of(run[1]), run[2]
    size('HLEN', bucket)
    while left > 0 do
      local some = math.min(left, MOST_AT_ONCE / 2)
      local fields = {struct.unpack('<' .. ('I2c0I4c0'):rep(some), rows, from)}
      from, left = table.remove(fields), left - some
      written[#written + 1] = {bucket, fields}
    end
  end
  if from ~= #rows + 1 then return redis.error_reply('ERR the records of a commit are malformed') end
end

local first_name = 3 + 2 * c.portions
local next = first_name + c.names
local first_blob = next
local parts, grown = {}, {}
for i = 1, c.blobs do
  local key, length = KEYS[6 + i], #ARGV[first_blob + i - 1]
  local field = 'parts:' .. key
  local had = stored(field) or 0
  local part = had
  while true do
    parts[i] = part == 0 and key or key .. ':' .. part
    local filled = size('STRLEN', parts[i])
    if filled == 0 or filled + length <= c.part_bytes then break end
    part = part + 1
  end
  if part > had then grown[#grown + 1] = {field, part} end
  may('APPEND', parts[i], 'a')
end
local gone = {}
local function forget(key)
  local field = 'parts:' .. key
  local more = stored(field) or 0
  gone[#gone + 1] = {key, field, more}
  return 1 + more
end
for i = 7 + c.blobs, #KEYS do
  forget(KEYS[i])
end
-- Whatever the owner missed: from the oldest hour that may have ids up to the window, some at a time.
local hours, room = {}, 1000
for i = 1, #c.windows, 4 do
  local topic, since, first, last = c.windows[i], c.windows[i + 1], c.windows[i + 2], c.windows[i + 3]
  local oldest, newest = stored('oldest:' .. topic) or first, stored('hour:' .. topic) or last
  oldest = math.min(oldest, first)
  while oldest < since and room > 0 do
    room = room - forget(c.ids .. topic .. ':' .. oldest)
    oldest = oldest + 1
  end
  hours[#hours + 1] = {'oldest:' .. topic, oldest}
  hours[#hours + 1] = {'hour:' .. topic, math.max(newest, last)}
end
for _, each in ipairs(gone) do may('UNLINK', each[1]) end
for i = 1, #c.counters, 2 do
  stored(c.counters[i])
  whole(c.counters[i], c.counters[i + 1])
end
local newest_ms, journal_bytes = whole('newest_ms', have[4] or nil), whole('journal_bytes', have[5] or nil) or 0
local now = redis.call('TIME')
local now_ms = now[1] .. string.format('%03d', math.floor(tonumber(now[2]) / 1000))
if first_flaw then return first_flaw end

-- From here on nothing fails. The first write is one that Redis refuses when it is out of memory.
local function put(bucket, fields)
  for at = 1, #fields, MOST_AT_ONCE do
    redis.call('HSET', bucket, unpack(fields, at, math.min(at + MOST_AT_ONCE - 1, #fields)))
  end
end
local entries = redis.call('RPUSH', KEYS[4], ARGV[2])
for _, each in ipairs(moved) do
  local lower, upper, below, above = unpack(each)
  redis.call('UNLINK', lower) -- and not HDEL: one that had become too large to be packed is packed again
  put(lower, below)
  put(upper, above)
end
for _, each in ipairs(written) do
  customers = customers + redis.call('HSET', each[1], unpack(each[2]))
end
for i = 1, c.names do
  redis.call('RPUSH', KEYS[3], ARGV[first_name + i - 1])
end
for i = 1, c.blobs do
  redis.call('APPEND', parts[i], ARGV[next])
  next = next + 1
end
for _, each in ipairs(grown) do
  redis.call('HSET', state, each[1], each[2])
end
for _, each in ipairs(gone) do
  redis.call('UNLINK', each[1])
  for part = 1, each[3] do
    redis.call('UNLINK', each[1] .. ':' .. part)
  end
  if each[3] > 0 then redis.call('HDEL', state, each[2]) end
end
for _ = 1, c.messages do
  redis.call('RPUSH', KEYS[5], ARGV[next])
  next = next + 1
end
for _ = 1, c.at_risk do
  if ARGV[next + 1] == '' then
    redis.call('HDEL', KEYS[6], ARGV[next])
  elseif ARGV[next + 1]:sub(1, 1) == '?' then
    redis.call('HSETNX', KEYS[6], ARGV[next], ARGV[next + 1]:sub(2))
  else
    redis.call('HSET', KEYS[6], ARGV[next], ARGV[next + 1])
  end
  next = next + 2
end
for i = 1, #c.fields, 2 do
  redis.call('HSET', state, c.fields[i], c.fields[i + 1])
end
for _, each in ipairs(hours) do
  redis.call('HSET', state, each[1], each[2])
end
for i = 1, #c.counters, 2 do
  redis.call('HINCRBY', state, c.counters[i], c.counters[i + 1])
end
if c.newest_ms ~= '' and tonumber(c.newest_ms) > (newest_ms or -math.huge) then
  redis.call('HSET', state, 'newest_ms', c.newest_ms)
end
journal_bytes = journal_bytes + #ARGV[2]
redis.call('HSET', state, 'commit', c.commit, 'position', c.position, 'committed_ms', now_ms,
  'journal_bytes', journal_bytes, 'customers', customers, 'buckets', buckets)
return {'committed', entries, journal_bytes}
