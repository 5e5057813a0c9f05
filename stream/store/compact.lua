-- Replace the packed series by one that includes the oldest `count` journal entries, and drop those.
-- KEYS: state, series, journal. ARGV: owner, head expected, count, their bytes, packed series, commit of the last entry
-- included.
-- Returns 'compacted' or 'refused'; an error when something cannot be written, and then nothing was.
local have = redis.call('HMGET', KEYS[1], 'owner', 'head', 'journal_bytes')
if have[1] ~= ARGV[1] or (have[2] or '0') ~= ARGV[2] then return 'refused' end
local count, head, bytes = tonumber(ARGV[3]), tonumber(ARGV[2]), tonumber(have[3])
if not (count and head and bytes and tonumber(ARGV[4]) and ARGV[6]) then
  return redis.error_reply('ERR what is to be compacted is malformed')
end
local last = redis.call('LINDEX', KEYS[3], count - 1)
if not last or last:sub(1, #ARGV[6]) ~= ARGV[6] then return 'refused' end
if redis.acl_check_cmd then
  for _, command in ipairs({{'LTRIM', KEYS[3], '0', '-1'}, {'SET', KEYS[2], ''}, {'HSET', KEYS[1], 'a', 'b'}}) do
    if not redis.acl_check_cmd(unpack(command)) then
      return redis.error_reply('NOPERM to run ' .. command[1] .. ' on ' .. command[2])
    end
  end
end

-- Lua does not roll back; from here on nothing fails. First what makes room: a Redis that is out of memory refuses only
-- the first write of a script, and lets this one be.
redis.call('LTRIM', KEYS[3], ARGV[3], -1)
redis.call('SET', KEYS[2], ARGV[5])
redis.call('HSET', KEYS[1], 'base', ARGV[6], 'head', head + count, 'journal_bytes', bytes - tonumber(ARGV[4]))
return 'compacted'
