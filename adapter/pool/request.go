package pool

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"example.com/midplane/adapter/driver"
)

// Request says what is wanted: Count instances that each have Memory and a share
// of a card's compute units.
type Request struct {
	Name  string // of the task, for people
	Owner string // for whom; those who ask for much come behind those who ask for little

	Kind    driver.Class // of the cards; "" is any
	Memory  int64        // bytes of each instance, at least 1
	Compute float64      // share of a card's units, above 0 and at most 1
	Count   int          // instances; 0 is 1

	// Gang asks for all instances or none. Without it as many are given as can
	// be had at the time, one at least.
	Gang bool

	Policy   Policy
	Priority int     // from -100 to 100; the higher comes first, and takes from the lower
	Restart  Restart // when to ask again by itself
}

// Limits of requests.
const (
	MaxCount    = 4096
	MaxPriority = 100
	maxName     = 64 // bytes
)

// Policy says which cards are preferred among those with room.
type Policy uint8

// The policies.
const (
	Binpack Policy = iota // the card that is left fullest, so that others stay whole
	Spread                // the card with the fewest instances of the request, then the one that is left emptiest
)

var policyNames = [...]string{"binpack", "spread"}

// String returns the policy's name.
func (p Policy) String() string {
	if int(p) < len(policyNames) {
		return policyNames[p]
	}
	return fmt.Sprintf("policy %d", uint8(p))
}

// Restart says after which ends of a lease its request is made again; see
// [Lease.Next].
type Restart uint8

// The ends after which to restart; they can be added.
const (
	OnLoss       Restart = 1 << iota // a card or an instance was lost
	OnPreemption                     // a request of higher priority took the place

	Never  Restart = 0
	Always         = OnLoss | OnPreemption
)

var restartNames = map[string]Restart{"never": Never, "loss": OnLoss, "preemption": OnPreemption, "always": Always}

// String returns for example "loss".
func (r Restart) String() string {
	for name, v := range restartNames {
		if v == r {
			return name
		}
	}
	return fmt.Sprintf("restart %d", uint8(r))
}

// ParseRequest reads a request's text form: fields, separated by commas, as in
//
//	kind=gpu,memory=2GiB,compute=0.25,count=2,gang=true,policy=spread,priority=3,restart=loss,name=resnet,owner=vision
//
// Memory and compute must be there. Memory is a whole number with B, KiB, MiB,
// GiB or TiB. It fails with [driver.InvalidArgument].
func ParseRequest(text string) (Request, error) {
	var r Request
	seen := make(map[string]bool)
	for _, field := range strings.Split(text, ",") {
		key, value, ok := strings.Cut(strings.TrimSpace(field), "=")
		if !ok {
			return Request{}, badRequest("%q is no field: want key=value", field)
		}
		if seen[key] {
			return Request{}, badRequest("%q is there twice", key)
		}
		seen[key] = true
		if err := r.set(key, value); err != nil {
			return Request{}, badRequest("%s=%s: %v", key, value, err)
		}
	}
	return r, r.check()
}

func badRequest(format string, args ...any) error {
	return driver.Errorf(driver.InvalidArgument, "Request", format, args...)
}

// set sets one field from text.
func (r *Request) set(key, value string) (err error) {
	switch key {
	case "name":
		r.Name = value
	case "owner":
		r.Owner = value
	case "kind":
		r.Kind = driver.Class(value)
	case "memory":
		r.Memory, err = parseBytes(value)
	case "compute":
		r.Compute, err = strconv.ParseFloat(value, 64)
	case "count":
		r.Count, err = strconv.Atoi(value)
	case "gang":
		r.Gang, err = strconv.ParseBool(value)
	case "policy":
		err = fmt.Errorf("the policies are binpack and spread")
		for i, name := range policyNames {
			if name == value {
				r.Policy, err = Policy(i), nil
			}
		}
	case "priority":
		r.Priority, err = strconv.Atoi(value)
	case "restart":
		restart, ok := restartNames[value]
		if !ok {
			return fmt.Errorf("one can restart never, after a loss, after a preemption, always")
		}
		r.Restart = restart
	default:
		err = fmt.Errorf("the fields are name, owner, kind, memory, compute, count, gang, policy, priority and restart")
	}
	return err
}

// check returns what is wrong with the request, whatever cards there are.
func (r *Request) check() error {
	switch {
	case r.Memory < 1:
		return badRequest("%d bytes of memory; at least 1 is wanted", r.Memory)
	case !(r.Compute > 0 && r.Compute <= 1):
		return badRequest("a share of %g of the compute units; above 0 and at most 1 is wanted", r.Compute)
	case r.Count < 0 || r.Count > MaxCount:
		return badRequest("%d instances; from 1 to %d can be asked for", r.Count, MaxCount)
	case r.Priority < -MaxPriority || r.Priority > MaxPriority:
		return badRequest("priority %d is outside [%d, %d]", r.Priority, -MaxPriority, MaxPriority)
	case int(r.Policy) >= len(policyNames):
		return badRequest("%v", r.Policy)
	case r.Restart > Always:
		return badRequest("%v", r.Restart)
	case !isName(r.Name) || !isName(r.Owner):
		return badRequest("name %q, owner %q; letters, digits and ._/:- are allowed, %d at most", r.Name, r.Owner, maxName)
	}
	switch r.Kind {
	case "", driver.CPU, driver.GPU, driver.NPU, driver.FPGA, driver.Accelerator:
		return nil
	}
	return badRequest("kind %q; there are cpu, gpu, npu, fpga and accelerator", r.Kind)
}

func isName(s string) bool {
	other := func(c rune) bool {
		return !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.ContainsRune("._/:-", c))
	}
	return len(s) <= maxName && strings.IndexFunc(s, other) < 0
}

// count is how many instances are wanted.
func (r *Request) count() int { return max(r.Count, 1) }

// least is how many instances there must be at least.
func (r *Request) least() int {
	if r.Gang {
		return r.count()
	}
	return 1
}

// String returns the request's text form, without the fields that have their
// default.
func (r Request) String() string {
	var b strings.Builder
	field := func(key, value string, shown bool) {
		if !shown {
			return
		}
		if b.Len() > 0 {
			b.WriteByte(',')
		}
		b.WriteString(key + "=" + value)
	}
	field("name", r.Name, r.Name != "")
	field("owner", r.Owner, r.Owner != "")
	field("kind", string(r.Kind), r.Kind != "")
	field("memory", formatBytes(r.Memory), true)
	field("compute", strconv.FormatFloat(r.Compute, 'g', -1, 64), true)
	field("count", strconv.Itoa(r.Count), r.Count != 0)
	field("gang", "true", r.Gang)
	field("policy", r.Policy.String(), r.Policy != Binpack)
	field("priority", strconv.Itoa(r.Priority), r.Priority != 0)
	field("restart", r.Restart.String(), r.Restart != Never)
	return b.String()
}

// byteUnits are the units of sizes, the largest first.
var byteUnits = []struct {
	name  string
	shift int
}{{"TiB", 40}, {"GiB", 30}, {"MiB", 20}, {"KiB", 10}, {"B", 0}}

// parseBytes reads a size: "2GiB".
func parseBytes(s string) (int64, error) {
	shift := 0
	for _, u := range byteUnits {
		if digits, ok := strings.CutSuffix(s, u.name); ok {
			s, shift = digits, u.shift
			break
		}
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 || n > math.MaxInt64>>shift {
		return 0, fmt.Errorf("want a whole number of B, KiB, MiB, GiB or TiB, of less than 2^63 bytes")
	}
	return n << shift, nil
}

// formatBytes writes a size in the largest unit that divides it.
func formatBytes(n int64) string {
	for _, u := range byteUnits {
		if n != 0 && n&(1<<u.shift-1) == 0 {
			return strconv.FormatInt(n>>u.shift, 10) + u.name
		}
	}
	return strconv.FormatInt(n, 10) + "B"
}
