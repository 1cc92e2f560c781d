package tensor

import (
	"bufio"
	"math"
	"os"
	"strconv"
	"strings"
	"sync"
)

// HostMemory returns how many bytes this process may use on its host: the
// machine's memory, or the control group's limit where that is lower. Where
// neither can be told it returns 8 GiB, or 1 GiB on 32-bit processors.
func HostMemory() int64 { return hostMemory() }

var hostMemory = sync.OnceValue(func() int64 {
	limit := int64(8 << 30)
	if math.MaxInt == math.MaxInt32 {
		limit = 1 << 30
	}
	total, found := totalMemory()
	if found && math.MaxInt != math.MaxInt32 {
		limit = total
	}
	if group, err := os.ReadFile("/sys/fs/cgroup/memory.max"); err == nil {
		if n, err := strconv.ParseInt(strings.TrimSpace(string(group)), 10, 64); err == nil && n > 0 {
			limit = min(limit, n)
		}
	}
	return limit
})

// totalMemory reads the machine's memory where /proc tells it.
func totalMemory() (int64, bool) {
	f, err := os.Open("/proc/meminfo")
	if err != nil {
		return 0, false
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		if len(fields) >= 2 && fields[0] == "MemTotal:" {
			kib, err := strconv.ParseInt(fields[1], 10, 64)
			return kib << 10, err == nil
		}
	}
	return 0, false
}
