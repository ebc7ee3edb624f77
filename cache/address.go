package cache

import (
	"errors"
	"net/url"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// errURL does not quote the URL or its parser, for both may show a password.
var errURL = errors.New("cache: the Redis URL is not valid: write redis://[user:password@]host:port[/db], rediss:// for TLS, " +
	"redis+cluster://[user:password@]host:port[,host:port...], redis+sentinel://[user:password@]host:port[,host:port...]/master[/db] or " +
	"unix:///path, with the characters %, /, ?, # and @ of a password percent-encoded (PITH_REDIS_URL, cache.redis_url)")

// An address is where a Redis is: one server, the nodes of a cluster, or the sentinels that know
// the server. What several lack is nil.
type address struct {
	single   *redis.Options
	cluster  *redis.ClusterOptions
	failover *redis.FailoverOptions
}

// parseURL reads an address. Valkey is spoken to as Redis is.
func parseURL(text string) (a address, err error) {
	if text == "" {
		return a, errors.New("cache: no Redis URL (PITH_REDIS_URL, cache.redis_url)")
	}
	u, err := url.Parse(strings.Replace(text, "valkey", "redis", 1))
	if err != nil || u.Host == "" && u.Scheme != "unix" {
		return a, errURL
	}
	plain, kind, _ := strings.Cut(u.Scheme, "+")
	hosts := strings.Split(u.Host, ",")
	u.Scheme, u.Host = plain, hosts[0]
	query := u.Query()
	for _, host := range hosts[1:] {
		query.Add("addr", host)
	}
	switch {
	case kind == "" && len(hosts) == 1:
		u.RawQuery = query.Encode()
		a.single, err = redis.ParseURL(u.String())
	case kind == "cluster":
		u.RawQuery = query.Encode()
		a.cluster, err = redis.ParseClusterURL(u.String())
	case kind == "sentinel":
		master, db, _ := strings.Cut(strings.Trim(u.Path, "/"), "/")
		if master == "" {
			return a, errURL
		}
		query.Set("master_name", master)
		u.Path, u.RawQuery = "/"+db, query.Encode()
		a.failover, err = redis.ParseFailoverURL(u.String())
	default:
		return a, errURL
	}
	if err != nil {
		return address{}, errURL
	}
	return a, nil
}

// name is the address for messages, without credentials.
func (a address) name() string {
	switch {
	case a.cluster != nil:
		return strings.Join(a.cluster.Addrs, ",")
	case a.failover != nil:
		return a.failover.MasterName + " of " + strings.Join(a.failover.SentinelAddrs, ",")
	}
	return a.single.Addr
}

// open returns a client for a cache. It replaces defaults that suit a primary store: with them a
// black-holed server holds a call for 5 s whatever its context says, and a closed port for 1.75 s
// of repeated dials.
func (a address) open(budget time.Duration) redis.UniversalClient {
	const conns = 64
	quick, answer, pool := budget, budget*3/5, budget*2/5
	// Both are extra commands on each new connection, and replies to the first have been mixed up
	// (CVE-2025-29923).
	noIdentity, noNotices := true, &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	switch {
	case a.cluster != nil:
		o := a.cluster
		o.ContextTimeoutEnabled, o.DialTimeout, o.ReadTimeout, o.WriteTimeout, o.PoolTimeout = true, quick, answer, answer, pool
		// A redirect names the node that has the key; more than that is a cluster that changes.
		o.MaxRetries, o.MaxRedirects, o.DialerRetries = -1, 2, 1
		o.DisableIdentity, o.MaintNotificationsConfig, o.Protocol = noIdentity, noNotices, 2
		return redis.NewClusterClient(o)
	case a.failover != nil:
		o := a.failover
		o.ContextTimeoutEnabled, o.DialTimeout, o.ReadTimeout, o.WriteTimeout, o.PoolTimeout = true, quick, answer, answer, pool
		o.MaxRetries, o.DialerRetries = -1, 1
		o.MaxActiveConns = max(o.PoolSize, conns)
		o.PoolSize = o.MaxActiveConns
		o.DisableIdentity, o.Protocol = noIdentity, 2
		return redis.NewFailoverClient(o)
	}
	o := a.single
	o.ContextTimeoutEnabled, o.DialTimeout, o.ReadTimeout, o.WriteTimeout, o.PoolTimeout = true, quick, answer, answer, pool
	o.MaxRetries, o.DialerRetries = -1, 1
	o.MaxActiveConns = max(o.PoolSize, conns) // PoolSize alone is a soft bound
	o.PoolSize = o.MaxActiveConns
	o.DisableIdentity, o.MaintNotificationsConfig, o.Protocol = noIdentity, noNotices, 2
	return redis.NewClient(o)
}
