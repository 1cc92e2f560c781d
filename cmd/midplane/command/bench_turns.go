package command

import (
	"context"
	"slices"
	"time"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/models"
)

// A contender's turn lasts until turnTime is over, one run at least. Of a turn of
// settledRuns or more the first run does not count: it finds threads asleep, and
// caches and branch predictors full of what others did.
const (
	turnTime    = 10 * time.Millisecond
	settledRuns = 10
)

// contender is one device's session while it is being timed.
type contender struct {
	row     benchJSON
	session *models.Session
	times   []float64
}

// alternate runs each contender once to warm up, then all in turns until together
// they have had each's time and every one has five runs that count.
func alternate(ctx context.Context, list []*contender, inputs map[string]tensor.Value, each time.Duration) error {
	const least = 5
	for _, k := range list {
		if _, err := k.session.Run(ctx, inputs); err != nil {
			return err
		}
	}
	few := func(k *contender) bool { return len(k.times) < least }
	for begin := time.Now(); time.Since(begin) < each*time.Duration(len(list)) || slices.ContainsFunc(list, few); {
		for _, k := range list {
			if err := k.turn(ctx, inputs); err != nil {
				return err
			}
		}
	}
	return nil
}

// turn runs the contender for a turn and keeps the times of the runs that count.
func (k *contender) turn(ctx context.Context, inputs map[string]tensor.Value) error {
	before := len(k.times)
	for begin, now := time.Now(), time.Now(); now.Sub(begin) < turnTime; {
		start := time.Now()
		if _, err := k.session.Run(ctx, inputs); err != nil {
			return err
		}
		now = time.Now()
		k.times = append(k.times, millis(now.Sub(start)))
	}
	if len(k.times)-before >= settledRuns {
		k.times = slices.Delete(k.times, before, before+1)
	}
	return nil
}

func (k *contender) result() benchJSON {
	slices.Sort(k.times)
	quantile := func(q float64) float64 { return k.times[int(q*float64(len(k.times)-1)+0.5)] }
	k.row.P10, k.row.Median, k.row.P90, k.row.Runs = quantile(0.1), quantile(0.5), quantile(0.9), len(k.times)
	return k.row
}
