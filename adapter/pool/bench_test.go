package pool_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter"
	"example.com/midplane/adapter/driver"
	"example.com/midplane/adapter/pool"
)

// thousand makes a pool of 1,000 cards of 100 bytes.
func thousand(b *testing.B) *pool.Pool {
	b.Helper()
	devices := make([]*adapter.Device, 1000)
	for i := range devices {
		devices[i] = adapter.New(fmt.Sprintf("c%d", i), &fake{class: kinds[i%len(kinds)], memory: 100})
	}
	p, err := pool.New(devices, nil)
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, p.Close()) })
	return p
}

// BenchmarkAcquire is a request that is satisfied at once, and its release: the
// fake cards take no time of their own.
func BenchmarkAcquire(b *testing.B) {
	for _, policy := range []pool.Policy{pool.Binpack, pool.Spread} {
		for _, count := range []int{1, 8} {
			b.Run(fmt.Sprintf("%v/%d", policy, count), func(b *testing.B) {
				p := thousand(b)
				request := pool.Request{Kind: driver.GPU, Memory: 10, Compute: 0.1, Count: count, Gang: true, Policy: policy}
				b.ReportAllocs()
				for b.Loop() {
					l, err := p.Acquire(ctx, request)
					if err != nil {
						b.Fatal(err)
					}
					_ = l.Release()
				}
			})
		}
	}
}

// BenchmarkQueue has 10,000 requests wait for 1,000 cards: three of four have to
// wait for others to be released. It reports the time of each from one end to the
// other.
func BenchmarkQueue(b *testing.B) {
	const requests = 10000
	for _, shapes := range []string{"equal", "random"} {
		b.Run(shapes, func(b *testing.B) {
			p := thousand(b)
			random := rand.New(rand.NewPCG(1, 2))
			var all []time.Duration
			for b.Loop() {
				var users sync.WaitGroup
				took := make([]time.Duration, requests)
				for i := range requests {
					r := pool.Request{Memory: 40, Compute: 0.4}
					if shapes == "random" {
						r = pool.Request{Kind: kinds[random.IntN(len(kinds))], Memory: 1 + random.Int64N(99), Compute: random.Float64()*0.9 + 0.1}
					}
					users.Go(func() {
						start := time.Now()
						l, err := p.Acquire(ctx, r)
						if err != nil {
							panic(err)
						}
						took[i] = time.Since(start)
						_ = l.Release()
					})
				}
				users.Wait()
				all = append(all, took...)
			}
			slices.Sort(all)
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(len(all)), "µs/request")
			b.ReportMetric(float64(all[len(all)/2].Microseconds()), "p50-µs")
			b.ReportMetric(float64(all[len(all)*99/100].Microseconds()), "p99-µs")
		})
	}
}
