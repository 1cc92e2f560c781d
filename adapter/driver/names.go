package driver

import "fmt"

// nameOf returns the i-th name, and a number where there is none.
func nameOf[T ~uint8](names []string, what string, i T) string {
	if int(i) < len(names) {
		return names[i]
	}
	return fmt.Sprintf("%s %d", what, uint8(i))
}
