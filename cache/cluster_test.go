package cache_test

import (
	"fmt"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"pith/cache"
)

// startCluster starts a cluster of three real nodes, each with a third of the slots.
func startCluster(t testing.TB) []*redisServer {
	t.Helper()
	const slots = 16384
	nodes := make([]*redisServer, 3)
	for i := range nodes {
		n := startServer(t, "--cluster-enabled", "yes", "--cluster-node-timeout", "2000")
		var own []int
		for slot := i * slots / 3; slot < (i+1)*slots/3; slot++ {
			own = append(own, slot)
		}
		if err := n.client.ClusterAddSlots(t.Context(), own...).Err(); err != nil {
			t.Fatal(err)
		}
		nodes[i] = n
		if err := n.client.ClusterMeet(t.Context(), "127.0.0.1", strconv.Itoa(nodes[0].port(t))).Err(); err != nil {
			t.Fatal(err)
		}
	}
	for _, n := range nodes {
		for {
			info := n.client.ClusterInfo(t.Context()).Val()
			if strings.Contains(info, "cluster_state:ok") && strings.Contains(info, "cluster_known_nodes:3") {
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
	}
	return nodes
}

// openCluster opens a store on a cluster of its own.
func openCluster(t testing.TB, secret string) (*cache.Redis, []*redisServer) {
	t.Helper()
	nodes := startCluster(t)
	return openNodes(t, secret, nodes), nodes
}

func openNodes(t testing.TB, secret string, nodes []*redisServer) *cache.Redis {
	t.Helper()
	addrs := make([]string, len(nodes))
	for i, n := range nodes {
		addrs[i] = n.addr
	}
	r, err := cache.NewRedis(cache.RedisOptions{
		URL: "redis+cluster://" + strings.Join(addrs, ","), Secret: []byte(secret), Budget: 5 * time.Second,
		Cooldown: time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	if err := r.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	return r
}

// A cluster holds values of every key, spread over its nodes, and another replica finds them.
func TestClusterHoldsAllKeys(t *testing.T) {
	r, nodes := openCluster(t, "a secret of a cluster")
	other := openNodes(t, "a secret of a cluster", nodes[1:2]) // one node knows the others
	for i := range 60 {
		key, value := fmt.Sprint("key ", i), []byte(fmt.Sprint("value ", i))
		if now := r.Add(t.Context(), key, value, time.Hour); string(now) != string(value) {
			t.Fatalf("Add = %q", now)
		}
		if got, ok := other.Get(t.Context(), key); !ok || string(got) != string(value) {
			t.Errorf("the other replica gets %q, %t", got, ok)
		}
		if !r.Keep(t.Context(), key, []byte("kept"), time.Hour) {
			t.Error("Keep was refused")
		}
	}
	for i, n := range nodes {
		if keys := n.client.DBSize(t.Context()).Val(); keys == 0 {
			t.Errorf("node %d holds nothing", i)
		}
	}
	if s := r.Stats(); s.Failures > 0 {
		t.Errorf("figures are %+v", s)
	}
}

// What one decision draws lies on one node, whatever the names are, so that the script that draws
// may touch all of it; the owners are spread.
func TestClusterDrawsInOneSlot(t *testing.T) {
	for name, secret := range map[string]string{"encrypted": "a secret of a cluster", "plain": ""} {
		t.Run(name, func(t *testing.T) {
			r, nodes := openCluster(t, secret)
			for i := range 30 {
				owner := fmt.Sprintf("team {%d} a}b", i)
				draws := []cache.Draw{
					{Owner: owner, Key: "Requests " + owner, PerMinute: 2, N: 1}, {
						Owner: owner,
						Key:   "Tokens " + owner, PerMinute: 1000, N: 400,
					},
				}
				for n, want := range []int{-1, -1, 0} {
					drawn, err := r.Draw(t.Context(), draws, false)
					if err != nil || drawn.Refused != want {
						t.Fatalf("draw %d of %s: %+v, %v; want %d refused", n, owner, drawn, err, want)
					}
				}
			}
			slots := map[string]bool{}
			for _, n := range nodes {
				for _, key := range n.client.Keys(t.Context(), "*").Val() {
					slots[strconv.FormatInt(n.client.ClusterKeySlot(t.Context(), key).Val(), 10)] = true
				}
			}
			if len(slots) < 20 || len(slots) > 30 {
				t.Errorf("60 allowances of 30 owners lie in %d slots", len(slots))
			}
		})
	}
}

// A node that dies takes its keys along; those of the others are found again after the rest.
func TestClusterWithoutANode(t *testing.T) {
	r, nodes := openCluster(t, "a secret of a cluster")
	for i := range 30 {
		r.Add(t.Context(), fmt.Sprint(i), []byte("value"), time.Hour)
	}
	// Without this a cluster that lacks slots serves none: what `cluster-require-full-coverage no`
	// is for.
	for _, n := range nodes {
		if err := n.client.ConfigSet(t.Context(), "cluster-require-full-coverage", "no").Err(); err != nil {
			t.Fatal(err)
		}
	}
	lost := int(nodes[2].client.DBSize(t.Context()).Val())
	nodes[2].signal(t, syscall.SIGKILL)
	found := map[int]bool{}
	for ; len(found) < 30-lost; time.Sleep(time.Millisecond) { // the test's own time limit ends it
		for i := range 30 {
			if value, ok := r.Get(t.Context(), fmt.Sprint(i)); ok && string(value) == "value" {
				found[i] = true
			}
		}
	}
	if lost == 0 || lost == 30 || len(found) != 30-lost {
		t.Errorf("%d of 30 values found, %d lay on the node that died", len(found), lost)
	}
}

// Addresses that cannot be are refused without being quoted.
func TestAddresses(t *testing.T) {
	for _, url := range []string{
		"redis+cluster://", "redis+sentinel://h:26379", "redis+other://h:1", "redis://a:1,b:2", "http://h:1",
		"redis+cluster://:hunter2@a:1?max_retries=x",
	} {
		_, err := cache.NewRedis(cache.RedisOptions{URL: url})
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", url, err)
		}
	}
	for _, url := range []string{
		"redis+cluster://u:p@a:1,b:2,c:3", "rediss+cluster://a:1", "redis+sentinel://:p@a:1,b:2/main/3",
		"valkey://h:1", "valkey+cluster://h:1", "unix:///x",
	} {
		r, err := cache.NewRedis(cache.RedisOptions{URL: url})
		if err != nil {
			t.Errorf("%s: %v", url, err)
			continue
		}
		r.Close()
	}
}
