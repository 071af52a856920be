import java.io.BufferedReader;
import java.io.File;
import java.io.FileInputStream;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.security.cert.CertPathBuilder;
import java.security.cert.CertStore;
import java.security.cert.CertificateFactory;
import java.security.cert.CollectionCertStoreParameters;
import java.security.cert.PKIXBuilderParameters;
import java.security.cert.TrustAnchor;
import java.security.cert.X509CertSelector;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Date;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import javax.xml.parsers.DocumentBuilderFactory;
import org.apache.xml.security.Init;
import org.apache.xml.security.keys.content.X509Data;
import org.apache.xml.security.signature.XMLSignature;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;

/**
 * Apache Santuario's opinion of many files in one process: the first XML signature of each, with secure validation, by the key
 * of its first certificate, which must lead to an anchor. Revocation is not asked; DTDs are refused.
 *
 * Arguments: the moment of judgement (milliseconds since 1970), a PEM file of anchors, one of other certificates. Standard
 * input: the name of a file on each line. Standard output: a line for each, "good", or "bad" and why.
 */
public class Santuario {
    private static final String DS = "http://www.w3.org/2000/09/xmldsig#";

    public static void main(String[] arguments) throws Exception {
        Init.init();
        CertificateFactory factory = CertificateFactory.getInstance("X.509");
        Date moment = new Date(Long.parseLong(arguments[0]));
        Set<TrustAnchor> anchors = new HashSet<>();
        for (X509Certificate anchor : read(factory, arguments[1])) {
            anchors.add(new TrustAnchor(anchor, null));
        }
        List<X509Certificate> others = read(factory, arguments[2]);
        BufferedReader names = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        for (String name = names.readLine(); name != null; name = names.readLine()) {
            String why;
            try {
                why = judge(new File(name), anchors, others, moment);
            } catch (Exception error) {
                why = error.getClass().getSimpleName() + ": " + error.getMessage();
            }
            out.println((why.isEmpty() ? "good" : "bad " + why).replace('\n', ' ').replace('\r', ' '));
        }
    }

    @SuppressWarnings("unchecked")
    private static List<X509Certificate> read(CertificateFactory factory, String name) throws Exception {
        try (InputStream file = new FileInputStream(name)) {
            return new ArrayList<>((Collection<X509Certificate>) factory.generateCertificates(file));
        }
    }

    private static String judge(File file, Set<TrustAnchor> anchors, List<X509Certificate> others, Date moment)
            throws Exception {
        DocumentBuilderFactory factory = DocumentBuilderFactory.newInstance();
        factory.setNamespaceAware(true);
        factory.setFeature("http://apache.org/xml/features/disallow-doctype-decl", true);
        var builder = factory.newDocumentBuilder();
        builder.setErrorHandler(null);
        Document document = builder.parse(file);
        NodeList all = document.getElementsByTagName("*");
        for (int at = 0; at < all.getLength(); at++) {
            Element element = (Element) all.item(at);
            if (element.hasAttribute("Id")) {
                element.setIdAttribute("Id", true);
            }
        }
        Element found = (Element) document.getElementsByTagNameNS(DS, "Signature").item(0);
        if (found == null) {
            return "no signature";
        }
        XMLSignature signature = new XMLSignature(found, "", true);
        X509Data data = signature.getKeyInfo().itemX509Data(0);
        List<X509Certificate> certificates = new ArrayList<>(others);
        for (int at = 0; at < data.lengthCertificate(); at++) {
            certificates.add(data.itemCertificate(at).getX509Certificate());
        }
        X509Certificate signer = certificates.get(others.size());
        if (!signature.checkSignatureValue(signer.getPublicKey())) {
            return "the value or a reference does not fit";
        }
        X509CertSelector target = new X509CertSelector();
        target.setCertificate(signer);
        var path = new PKIXBuilderParameters(anchors, target);
        path.addCertStore(CertStore.getInstance("Collection", new CollectionCertStoreParameters(certificates)));
        path.setRevocationEnabled(false);
        path.setDate(moment);
        CertPathBuilder.getInstance("PKIX").build(path);
        return "";
    }
}
