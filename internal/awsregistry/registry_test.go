package awsregistry_test

import (
	"testing"
	"testing/synctest"

	"github.com/managed-images/terraform-provider-rime/internal/sandbox/aws"
)

func TestRegistry_lifeCycle(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, aws.Options{})
		client, spec := w.client(t), newSpec()
		created := mustApply(t, t.Context(), client, spec)
		if created.Server.Role.ARN != "arn:aws:iam::123456789012:role/eks_ecr_repo_manager_prod_rime" || !created.Builder.Attached {
			t.Errorf("%+v", created)
		}
		read, err := client.ReadRegistry(t.Context(), spec)
		if err != nil {
			t.Fatal(err)
		}
		mustMatch(t, client, spec, read)
		if err := client.DeleteRegistry(t.Context(), spec); err != nil {
			t.Fatal(err)
		}
		gone, err := client.ReadRegistry(t.Context(), spec)
		if err != nil || gone.Server.Role != nil || gone.Server.Policy != nil || gone.Builder.Role != nil || gone.Builder.Policy != nil {
			t.Errorf("%+v, %v", gone, err)
		}
		if err := client.DeleteRegistry(t.Context(), spec); err != nil {
			t.Errorf("deleting what is gone: %v", err)
		}
	})
}
