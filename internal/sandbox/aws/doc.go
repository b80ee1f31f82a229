// Package aws is a stand-in for what this provider uses of AWS: STS and IAM (the Query protocol, XML answers), ECR (JSON 1.1) and the
// tokens of CodeArtifact (REST), over a store in memory, and ECR's registry, which is the real one of package oci behind ECR's tokens,
// names and immutable tags. Its errors have AWS's codes and statuses and, as far as it is known, its wording. The wire format is its own: it shares no type with our clients or with
// the SDK.
//
// A test starts it and points the SDK's clients at it:
//
//	cloud, err := aws.Start(aws.Options{Lag: aws.Lag{Max: 30 * time.Second, Flapping: true}})
//	defer cloud.Close()
//	config := sdk.Config{
//		BaseEndpoint: new(cloud.URL),
//		Region:       aws.DefaultRegion,
//		Credentials:  credentials.NewStaticCredentialsProvider(aws.AccessKeyID, aws.SecretAccessKey, ""),
//	}
//	ecr.NewFromConfig(config); iam.NewFromConfig(config); sts.NewFromConfig(config)
//
// The registry is at the same address: the URI of a repository is "127.0.0.1:PORT/NAME", and a client logs in with what
// GetAuthorizationToken gives it.
//
// Every request of the services passes the gate of package fault under the path /SERVICE/OPERATION, such as /ecr/CreateRepository,
// whatever its path was. So [fault.Gate.Count] counts operations, and fault rules choose them:
//
//	cloud.Count("", "^/ecr/DescribeRepositories$")
//	cloud.SetFaults(aws.Failure("iam:AttachRolePolicy", "ServiceFailure", "try later"))
//	cloud.SetFaults(fault.Rule{Path: "^/iam/CreateRole$", Times: 1, DropAnswer: true})
//
// Users may do everything, and sessions of roles what the policies of their role allow, as far as those have no conditions; [Cloud.Deny]
// takes things away. What it does not do: a signature must be there, of a key that is known, for the right service and region, but it is
// not verified, so that a wrong secret goes unnoticed. Policies of repositories are kept and not evaluated.
package aws
