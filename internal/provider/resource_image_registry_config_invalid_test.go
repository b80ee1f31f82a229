package provider

import (
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// rule is a lifecycle rule that is fine, with other values for some attributes.
func rule(other map[string]any) map[string]any {
	all := map[string]any{"priority": 1, "tag_status": "any", "count_type": "imageCountMoreThan", "count_number": 10}
	maps.Copy(all, other)
	return all
}

// policyOf is a lifecycle policy with these selections, in this order.
func policyOf(selections ...string) string {
	var rules []string
	for i, selection := range selections {
		rules = append(rules, fmt.Sprintf(`{"rulePriority":%d,"selection":{%s,"countType":"imageCountMoreThan","countNumber":1},"action":{"type":"expire"}}`, i+1, selection))
	}
	return `{"rules":[` + strings.Join(rules, ",") + `]}`
}

func TestImageRegistryConfig_invalid(t *testing.T) {
	t.Parallel()
	trust := map[string]any{"repository_prefix": "ml", "namespace": "rime", "resource_name_suffix": "prod", "oidc_provider_url": clusterIssuer}
	for name, test := range map[string]struct {
		config map[string]any
		want   []string // severity, summary, path, part of the detail; none: it is fine
	}{
		"fine":                  {map[string]any{}, nil},
		"unknown":               {map[string]any{"repository_prefix": unknown{}, "namespace": unknown{}, "oidc_provider_url": unknown{}, "lifecycle_rules": unknown{}, "tag_mutability": unknown{}, "tags": unknown{}}, nil},
		"prefix":                {map[string]any{"repository_prefix": "ML/Images/"}, []string{"ERROR", "Invalid Managed Repository Prefix", "repository_prefix", `Write "ml/images".`}},
		"empty prefix":          {map[string]any{"repository_prefix": "", "namespace": nil, "resource_name_suffix": nil, "oidc_provider_url": nil, "pod_identity": true}, []string{"ERROR", "Repository Prefix Covers Every Repository", "repository_prefix", "allow_empty_prefix = true"}},
		"empty prefix, allowed": {map[string]any{"repository_prefix": "", "allow_empty_prefix": true, "namespace": nil, "resource_name_suffix": nil, "oidc_provider_url": nil, "pod_identity": true}, []string{"WARNING", "Registry Covers Every Repository", "repository_prefix", "every repository of the account"}},
		"empty base":            {map[string]any{"repository_prefix": ""}, nil},
		"no trust":              {map[string]any{"oidc_provider_url": nil}, []string{"ERROR", "Invalid Image Registry Setting", "oidc_provider_arn", "exactly one is needed"}},
		"no trust, disabled":    {map[string]any{"oidc_provider_url": nil, "enable": false}, nil},
		"two trusts":            {map[string]any{"pod_identity": true}, []string{"ERROR", "Invalid Image Registry Setting", "oidc_provider_arn", "exactly one is needed"}},
		"both names":            {map[string]any{"oidc_provider_arn": "arn:aws:iam::123456789012:oidc-provider/x.example.com"}, []string{"ERROR", "Invalid Image Registry Setting", "oidc_provider_arn", "exactly one is needed"}},
		"provider ARN":          {map[string]any{"oidc_provider_url": nil, "oidc_provider_arn": "https://oidc.example.com"}, []string{"ERROR", "Invalid OIDC Provider ARN", "oidc_provider_arn", "A URL goes into oidc_provider_url."}},
		"an issuer by http":     {map[string]any{"oidc_provider_url": "http://oidc.example.com/id"}, []string{"ERROR", "Invalid OIDC Provider URL", "oidc_provider_url", "Write https://, or leave the scheme out."}},
		"an audience for pods":  {map[string]any{"oidc_provider_url": nil, "pod_identity": true, "oidc_audience": "sts.amazonaws.com"}, []string{"ERROR", "Invalid Image Registry Setting", "oidc_audience", "knows no audience"}},
		"an allowed policy":     {map[string]any{"allowed_policies": []any{"key"}}, []string{"ERROR", "Invalid Policy", "allowed_policies", "inline:use-the-key"}},
		"no namespace":          {map[string]any{"namespace": nil}, []string{"ERROR", "Invalid Image Registry Setting", "registry_server_service_accounts", "Give a namespace."}},
		"service account":       {map[string]any{"registry_server_service_accounts": []any{"rime/server"}}, []string{"ERROR", "Invalid Service Account", "registry_server_service_accounts", "colon"}},
		"long names":            {map[string]any{"resource_name_suffix": strings.Repeat("a", 25), "namespace": strings.Repeat("b", 30)}, []string{"ERROR", "Invalid Image Registry Setting", "resource_name_suffix", "too long for IAM"}},
		"one role":              {map[string]any{"registry_server_role_name": "rime", "registry_server_policy_name": "images", "image_builder_role_name": "rime"}, []string{"ERROR", "Invalid Image Registry Setting", "image_builder_role_name", "is the name of both roles"}},
		"one policy":            {map[string]any{"registry_server_policy_name": "rime", "image_builder_role_name": "rime", "image_builder_policy_name": "Rime"}, []string{"ERROR", "Invalid Image Registry Setting", "image_builder_policy_name", "is the name of both policies"}},
		"the other's role":      {map[string]any{"registry_server_role_name": builderRole}, []string{"ERROR", "Invalid Image Registry Setting", "registry_server_role_name", "is the name of both roles"}},
		"role and policy alike": {map[string]any{"registry_server_role_name": "rime", "registry_server_policy_name": "rime"}, nil},
		"role path":             {map[string]any{"role_path": "platform"}, []string{"ERROR", "Invalid Role Path", "role_path", `Write "/platform/".`}},
		"boundary":              {map[string]any{"permissions_boundary_arn": "boundary"}, []string{"ERROR", "Invalid Policy ARN", "permissions_boundary_arn", "is not the ARN of a policy"}},
		"ownership tag":         {map[string]any{"tags": map[string]any{"rime:managed-image-registry": "x"}}, []string{"ERROR", "Invalid Image Registry Setting", "tags", "tells what is ours"}},
		"AWS's tag":             {map[string]any{"tags": map[string]any{"AWS:x": unknown{}, "aws:y": "z"}}, []string{"ERROR", "Invalid Image Registry Setting", "tags", "a key of AWS's own"}},
		"template, description": {map[string]any{"creation_template": map[string]any{"description": strings.Repeat("x", 186)}}, []string{"ERROR", "Invalid Image Registry Setting", "creation_template.description", "185 characters"}},
		"template, role":        {map[string]any{"creation_template": map[string]any{"custom_role_arn": "creator"}}, []string{"ERROR", "Invalid Image Registry Setting", "creation_template.custom_role_arn", "is not the ARN of a role"}},
		"template, no role":     {map[string]any{"creation_template": map[string]any{}, "encryption": map[string]any{"type": "KMS"}}, []string{"ERROR", "Invalid Image Registry Setting", "creation_template.custom_role_arn", "Give custom_role_arn"}},
		"template, key":         {map[string]any{"creation_template": map[string]any{"custom_role_arn": "arn:aws:iam::123456789012:role/x"}, "encryption": map[string]any{"type": "KMS", "kms_key": "alias/x"}}, []string{"ERROR", "Invalid Image Registry Setting", "encryption.kms_key", "not the ARN of a key"}},
		"template":              {map[string]any{"creation_template": map[string]any{"description": strings.Repeat("x", 185)}}, nil},
		"template, unknown":     {map[string]any{"creation_template": unknown{}, "encryption": unknown{}}, nil},
		"encryption":            {map[string]any{"encryption": map[string]any{"type": "AES256", "kms_key": "alias/x"}}, []string{"ERROR", "Invalid Image Registry Setting", "encryption", "AES256 does not take"}},
		"untagged only":         {map[string]any{"lifecycle_rules": []any{rule(map[string]any{"tag_status": "untagged"})}}, nil},
		"record in danger":      {map[string]any{"lifecycle_rules": []any{rule(map[string]any{"tag_status": "untagged"}), rule(map[string]any{"priority": 2})}}, []string{"WARNING", "Lifecycle Rule May Take Images in Use", "lifecycle_rules[1]", `can expire the record "rime-record"`}},
		"image in danger":       {map[string]any{"lifecycle_rules": []any{rule(map[string]any{"tag_status": "tagged", "tag_patterns": []any{"3.*"}})}}, []string{"WARNING", "Lifecycle Rule May Take Images in Use", "lifecycle_rules[0]", "can expire an image that is in use"}},
		"useless":               {map[string]any{"lifecycle_rules": []any{rule(map[string]any{"tag_status": "tagged", "tag_patterns": []any{"a*"}}), rule(map[string]any{"priority": 2, "tag_status": "tagged", "tag_patterns": []any{"ab*"}})}}, []string{"WARNING", "Lifecycle Rule Without Effect", "lifecycle_rules[1].tag_patterns", "never has an effect"}},
		"danger in a policy":    {map[string]any{"lifecycle_policy_json": policyOf(`"tagStatus":"any"`)}, []string{"WARNING", "Lifecycle Rule May Take Images in Use", "lifecycle_policy_json", "The rule of priority 1"}},
		"useless in a policy":   {map[string]any{"lifecycle_policy_json": policyOf(`"tagStatus":"tagged","tagPatternList":["a*"]`, `"tagStatus":"tagged","tagPatternList":["ab*"]`)}, []string{"WARNING", "Lifecycle Rule Without Effect", "lifecycle_policy_json", "Rule 2 of the policy never has an effect"}},
		"exclusions":            {map[string]any{"tag_mutability": "IMMUTABLE", "tag_mutability_exclusions": []any{"rime-*"}}, []string{"ERROR", "Invalid Image Registry Setting", "tag_mutability_exclusions", "_WITH_EXCLUSION"}},
		"same priority":         {map[string]any{"lifecycle_rules": []any{rule(map[string]any{"tag_status": "untagged"}), rule(nil)}}, []string{"ERROR", "Invalid Lifecycle Rule", "lifecycle_rules[1].priority", "2 is free"}},
		"any not last":          {map[string]any{"lifecycle_rules": []any{rule(nil), rule(map[string]any{"priority": 2, "tag_status": "untagged"})}}, []string{"ERROR", "Invalid Lifecycle Rule", "lifecycle_rules[0].priority", "must come last"}},
		"tags missing":          {map[string]any{"lifecycle_rules": []any{rule(map[string]any{"tag_status": "tagged"})}}, []string{"ERROR", "Invalid Lifecycle Rule", "lifecycle_rules[0].tag_status", "tag_patterns"}},
		"unit of a number":      {map[string]any{"lifecycle_rules": []any{rule(map[string]any{"count_unit": "days"})}}, []string{"ERROR", "Invalid Lifecycle Rule", "lifecycle_rules[0].count_unit", "Leave it out."}},
		"unit of an age":        {map[string]any{"lifecycle_rules": []any{rule(map[string]any{"count_type": "sinceImagePushed", "count_unit": "hours"})}}, []string{"ERROR", "Invalid Lifecycle Rule", "lifecycle_rules[0].count_unit", `Write "days".`}},
		"status in capitals":    {map[string]any{"lifecycle_rules": []any{rule(map[string]any{"tag_status": "Any"})}}, []string{"ERROR", "Invalid Lifecycle Rule", "lifecycle_rules[0].tag_status", `"untagged" or "any"`}},
		"class in capitals":     {map[string]any{"lifecycle_rules": []any{rule(map[string]any{"storage_class": "Archive"})}}, []string{"ERROR", "Invalid Lifecycle Rule", "lifecycle_rules[0].storage_class", `"standard" or "archive"`}},
		"no tags":               {map[string]any{"lifecycle_rules": []any{rule(map[string]any{"tag_status": "tagged", "tag_patterns": []any{}})}}, []string{"ERROR", "Invalid Lifecycle Rule", "lifecycle_rules[0].tag_status", "needs the tags"}},
		"no rules":              {map[string]any{"lifecycle_rules": []any{}}, []string{"ERROR", "Invalid Image Registry Setting", "lifecycle_rules", "holds no rule"}},
		"policy, no tags":       {map[string]any{"lifecycle_policy_json": policyOf(`"tagStatus":"tagged"`)}, []string{"ERROR", "Invalid Lifecycle Policy", "lifecycle_policy_json", `Give tagPatternList, where ["*"] is every tag.`}},
		"policy, tags of any":   {map[string]any{"lifecycle_policy_json": policyOf(`"tagStatus":"any","tagPrefixList":["a"]`)}, []string{"ERROR", "Invalid Lifecycle Policy", "lifecycle_policy_json", `or write "tagStatus": "tagged".`}},
		"policy, no class":      {map[string]any{"lifecycle_policy_json": strings.NewReplacer("imageCountMoreThan", "sinceImageTransitioned", `"countNumber":1`, `"countNumber":90`).Replace(policyOf(`"tagStatus":"any"`))}, []string{"ERROR", "Invalid Lifecycle Policy", "lifecycle_policy_json", "cannot be used: storageClass does not go with"}},
		"audience in capitals":  {map[string]any{"oidc_audience": "STS.amazonaws.com"}, []string{"ERROR", "Invalid Image Registry Setting", "oidc_audience", `Write "sts.amazonaws.com".`}},
		"rules and policy":      {map[string]any{"lifecycle_rules": []any{rule(nil)}, "lifecycle_policy_json": policyOf(`"tagStatus":"untagged"`)}, []string{"ERROR", "Invalid Attribute Combination", "lifecycle_rules", "cannot be configured together"}},
		"policy":                {map[string]any{"lifecycle_policy_json": `{"rules":[{"rulePriority":1}]}`}, []string{"ERROR", "Invalid Image Registry Setting", "lifecycle_policy_json", "rule 1 lacks \"selection\""}},
		"half an image":         {map[string]any{"lifecycle_rules": []any{rule(map[string]any{"count_number": 1.5})}}, []string{"ERROR", "Invalid Number", "lifecycle_rules[0].count_number", "1.5 is not a whole number"}},
		"a huge number":         {map[string]any{"lifecycle_rules": []any{rule(map[string]any{"priority": 1e30})}}, []string{"ERROR", "Invalid Number", "lifecycle_rules[0].priority", "1e+30 is not a whole number"}},
		"unpulled":              {map[string]any{"lifecycle_rules": []any{rule(map[string]any{"count_type": "sinceImagePulled", "count_number": 30})}}, []string{"ERROR", "Invalid Lifecycle Rule", "lifecycle_rules[0].action", "\n  { priority = 2, tag_status = \"any\", storage_class = \"archive\", count_type = \"sinceImageTransitioned\", count_number = 90, action = \"expire\" }"}},
		"unpulled, archived":    {map[string]any{"lifecycle_rules": []any{rule(map[string]any{"tag_status": "untagged", "count_type": "sinceImagePulled", "count_number": 30, "action": "transition"}), rule(map[string]any{"priority": 2, "tag_status": "untagged", "storage_class": "archive", "count_type": "sinceImageTransitioned", "count_number": 90})}}, nil},
		"policy, unpulled":      {map[string]any{"lifecycle_policy_json": strings.Replace(policyOf(`"tagStatus":"any"`), `"countType":"imageCountMoreThan"`, `"countType":"sinceImagePulled","countUnit":"days"`, 1)}, []string{"ERROR", "Invalid Lifecycle Policy", "lifecycle_policy_json", `Rule 1 of the policy cannot be used: type "expire" does not go with sinceImagePulled`}},
		"policy, spaces":        {map[string]any{"lifecycle_policy_json": "{" + strings.Repeat(" ", 31_000) + policyOf(`"tagStatus":"untagged"`)[1:]}, nil},
		"policy, other case":    {map[string]any{"lifecycle_policy_json": strings.ToLower(policyOf(`"tagStatus":"any"`))}, []string{"ERROR", "Invalid Image Registry Setting", "lifecycle_policy_json", `write "rulePriority"`}},
		"policy rule":           {map[string]any{"lifecycle_policy_json": `{"rules":[{"rulePriority":0,"selection":{"tagStatus":"any","countType":"imageCountMoreThan","countNumber":1},"action":{"type":"expire"}}]}`}, []string{"ERROR", "Invalid Lifecycle Policy", "lifecycle_policy_json", "Rule 1 of the policy"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := newProtoServer(t, New("test"))
			schema := server.schema.ResourceSchemas[registryConfigType]
			config := maps.Clone(trust)
			maps.Copy(config, test.config)
			resp, err := server.ValidateResourceConfig(t.Context(), &tfprotov6.ValidateResourceConfigRequest{
				TypeName: registryConfigType, Config: server.dynamic(schema.ValueType(), terraformValue(t, schema.ValueType(), config)),
			})
			if err != nil {
				t.Fatal(err)
			}
			expectDiagnostic(t, resp.Diagnostics, test.want)
		})
	}
}

// expectDiagnostic expects none, or one of that severity, summary and path among them, with that in its detail.
func expectDiagnostic(t *testing.T, all []*tfprotov6.Diagnostic, want []string) {
	t.Helper()
	if len(want) == 0 {
		for _, d := range all {
			t.Errorf("%s: %s\n%s", d.Severity, d.Summary, d.Detail)
		}
		return
	}
	errs := 0
	for _, d := range all {
		if d.Severity == tfprotov6.DiagnosticSeverityError {
			errs++
		}
	}
	if want[0] == "ERROR" && errs > 1 {
		t.Errorf("%d errors for one fault", errs)
	}
	for _, d := range all {
		if d.Severity.String() == want[0] && d.Summary == want[1] && attributeText(d.Attribute) == want[2] && strings.Contains(d.Detail, want[3]) {
			return
		}
	}
	t.Errorf("want %q; got:", want)
	for _, d := range all {
		t.Errorf("%s: %s at %s\n%s", d.Severity, d.Summary, attributeText(d.Attribute), d.Detail)
	}
}

// attributeText is a path as the framework writes it, without the values of sets.
func attributeText(at *tftypes.AttributePath) string {
	var text strings.Builder
	for i, step := range at.Steps() {
		switch step := step.(type) {
		case tftypes.AttributeName:
			if i > 0 {
				text.WriteString(".")
			}
			text.WriteString(string(step))
		case tftypes.ElementKeyInt:
			fmt.Fprintf(&text, "[%d]", step)
		case tftypes.ElementKeyString:
			fmt.Fprintf(&text, "[%q]", string(step))
		}
	}
	return text.String()
}
