package agenda_test

import (
	"slices"
	"testing"
	"time"

	"github.com/managed-images/terraform-provider-rime/internal/sandbox/agenda"
)

func TestAgenda(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, time.November, 22, 12, 0, 0, 0, time.UTC)
	clock := agenda.NewClock(start)
	a := agenda.New(clock.Now)
	if now := a.CatchUp(); now != start || a.Now() != start {
		t.Fatalf("the present began at %s, %s", now, a.Now())
	}

	var happened []string
	after := func(d time.Duration, name string) {
		a.Plan(start.Add(d), func(at time.Time) {
			if at != a.Now() {
				t.Errorf("%s happened at %s in a present of %s", name, at, a.Now())
			}
			happened = append(happened, name+" "+at.Sub(start).String())
		})
	}
	after(3*time.Second, "late")
	after(time.Second, "first")
	after(time.Second, "second")
	after(-time.Hour, "overdue")
	a.Plan(start.Add(2*time.Second), func(at time.Time) {
		after(0, "planned for a time that had passed by then")
		after(10*time.Second, "not yet")
	})

	a.CatchUp()
	clock.Advance(5 * time.Second)
	if now := a.CatchUp(); now != clock.Now() || a.Now() != clock.Now() {
		t.Errorf("the present is %s, %s", now, a.Now())
	}
	want := []string{"overdue 0s", "first 1s", "second 1s", "planned for a time that had passed by then 2s", "late 3s"}
	if !slices.Equal(happened, want) {
		t.Errorf("happened: %q, want %q", happened, want)
	}
}
