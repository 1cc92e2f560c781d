package pool

import "runtime"

// Settle waits until so many requests have been made, no instance is being made
// and no lease is being ended.
func (p *Pool) Settle(requests int64) {
	for {
		p.mu.Lock()
		settled := p.counts.Requests-p.counts.Restarted >= requests && p.making == 0
		for _, l := range p.leases {
			settled = settled && l.state <= warned
		}
		p.mu.Unlock()
		if settled {
			return
		}
		runtime.Gosched()
	}
}

// Outstanding is how many tasks are counted with their owners.
func (p *Pool) Outstanding() (tasks int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, o := range p.owners {
		tasks += o.tasks
	}
	return tasks
}
